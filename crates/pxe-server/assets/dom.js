// Elements made from values; text is always text, never markup.
import { locale } from "./words.js";

/** `el("a", { href: "#x", class: "y", onclick: f }, "text", child)` */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Tells people who listen to the page. */
export function say(text) {
  byId("said").textContent = text;
}

/** A labelled input. */
export function field(label, props = {}) {
  return el("label", {}, el("span", {}, label), el("input", props));
}

/** A labelled choice among `[value, text]` pairs. */
export function choice(label, pairs, props = {}) {
  const { value, ...rest } = props;
  const options = pairs.map(([key, text]) => el("option", { value: key, selected: key === value }, text));
  return el("label", {}, el("span", {}, label), el("select", rest, options));
}

/** A table with a caption for those who do not see it. On a phone each row is a card, whose lines are named after their heads. */
export function table(caption, heads, rows) {
  for (const row of rows) {
    row.setAttribute("role", "row");
    [...row.children].forEach((cell, index) => {
      cell.setAttribute("role", cell.tagName === "TH" ? "rowheader" : "cell");
      cell.dataset.label = heads[index];
    });
  }
  return el("div", { class: "wide", role: "region", tabindex: 0, "aria-label": caption }, el("table", { role: "table" },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads.map((head) => el("th", { scope: "col", role: "columnheader" }, head)))),
    el("tbody", { role: "rowgroup" }, rows)));
}

const TIMES = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" });
const DAYS = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

/** A time of day, with the date if it was another day. */
export function clock(milliseconds) {
  const time = new Date(milliseconds);
  const today = time.toDateString() === new Date().toDateString();
  return (today ? TIMES : DAYS).format(time);
}

/** Bytes as people read them. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`;
}
