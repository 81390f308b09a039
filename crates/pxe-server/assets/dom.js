// Elements made from values; text is always text, never markup.
import { locale, t } from "./words.js";

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

/** Text of the server, in which what stands between `…` is to be written as it stands. */
export function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

/** A labelled input that offers what may well be meant. */
export function offering(label, props, offers) {
  const node = field(label, { ...props, list: `offers-${props.name}`, autocomplete: "off" });
  node.append(el("datalist", { id: `offers-${props.name}` }, offers.map((value) => el("option", { value }))));
  return node;
}

/** Rows that need no filter. */
const FEW = 20;
/** Rows that are drawn at once. */
const MANY = 500;

/** A table of `items`, each drawn by `row`. Where they are many there is a filter, which looks at their `words`. */
export function searchable(caption, heads, items, row, words) {
  if (items.length <= FEW) return table(caption, heads, items.map(row));
  const place = el("div", {});
  const count = el("p", { class: "soft", role: "status" });
  const draw = (text) => {
    const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = items.filter((item) => parts.every((part) => words(item).toLowerCase().includes(part)));
    const shown = found.slice(0, MANY);
    count.textContent = t("rows", { shown: shown.length, all: items.length });
    place.replaceChildren(table(caption, heads, shown.map(row)));
  };
  const filter = field(t("filter"), { type: "search", spellcheck: "false", oninput: (event) => draw(event.target.value) });
  draw("");
  return el("div", {}, el("div", { class: "bar" }, filter, count), place);
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
