// A table of which only the rows in view exist: five thousand machines cost as much as fifty.
import { clock, el, size } from "./dom.js";
import { language, t } from "./words.js";

const COLUMNS = ["id", "firmware", "step", "verdict", "progress", "last", "seen"];
const HEADS = { id: "machine", firmware: "firmware", step: "step", verdict: "verdict", progress: "progress", last: "last", seen: "seen" };
/** Rows beyond the edges, so that scrolling finds them there. */
const SPARE = 8;

function progress(machine) {
  const { progress: it } = machine;
  if (!it) return "";
  const label = `${it.file} ${size(it.bytes)}`;
  if (!it.size) return label;
  return [el("progress", { max: it.size, value: it.bytes, "aria-label": label }), ` ${Math.floor((it.bytes * 100) / it.size)} %`];
}

export function verdict(machine) {
  return el("span", { class: `verdict ${machine.verdict}` }, t(`verdict.${machine.verdict}`));
}

export class List {
  constructor(selected) {
    this.rows = [];
    this.selected = selected;
    this.top = el("tr", { class: "gap", "aria-hidden": "true" }, el("td", { colspan: COLUMNS.length }));
    this.bottom = el("tr", { class: "gap", "aria-hidden": "true" }, el("td", { colspan: COLUMNS.length }));
    this.body = el("tbody", {});
    this.table = el("table", {},
      el("caption", { class: "unseen" }, t("machines")),
      el("thead", {}, el("tr", { "aria-rowindex": 1 },
        COLUMNS.map((name) => el("th", { scope: "col", class: `c-${name}` }, t(HEADS[name]))))),
      this.body);
    this.node = el("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": t("machines"), onkeydown: (event) => this.key(event) }, this.table);
    this.node.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.node);
  }

  show(rows) {
    this.rows = rows;
    this.table.setAttribute("aria-rowcount", String(rows.length + 1));
    this.draw();
  }

  height() {
    const row = this.body.querySelector("tr:not(.gap)");
    return row?.getBoundingClientRect().height || 38;
  }

  draw() {
    const height = this.height();
    const first = Math.max(0, Math.floor(this.node.scrollTop / height) - SPARE);
    const count = Math.ceil((this.node.clientHeight || 600) / height) + 2 * SPARE;
    const shown = this.rows.slice(first, first + count);
    const focused = document.activeElement?.closest?.("tr[data-id]")?.dataset.id;
    this.top.firstChild.style.height = `${first * height}px`;
    this.bottom.firstChild.style.height = `${Math.max(0, this.rows.length - first - shown.length) * height}px`;
    this.body.replaceChildren(this.top, ...shown.map((machine, index) => this.row(machine, first + index)), this.bottom);
    if (focused) this.link(focused)?.focus({ preventScroll: true });
  }

  link(id) {
    return this.body.querySelector(`tr[data-id="${CSS.escape(id)}"] a`);
  }

  row(machine, index) {
    const cells = [
      el("td", {}, machine.firmware ?? t("unknown"), machine.runs === "iPXE" ? " · iPXE" : ""),
      el("td", {}, machine.step ? t(`step.${machine.step}`) : ""),
      el("td", {}, verdict(machine)),
      el("td", {}, progress(machine)),
      el("td", { title: machine.text }, machine.text),
      el("td", {}, clock(machine.last_seen, language)),
    ];
    return el("tr", { "data-id": machine.id, "aria-rowindex": index + 2, "aria-selected": machine.id === this.selected ? "true" : null },
      el("th", { scope: "row", class: "mono" }, el("a", { href: `#machines/${machine.id}` }, machine.id)), cells);
  }

  /** Arrows go from row to row. */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (!step || !this.rows.length) return;
    event.preventDefault();
    const id = document.activeElement?.closest?.("tr[data-id]")?.dataset.id;
    const at = this.rows.findIndex((machine) => machine.id === id);
    const next = Math.min(this.rows.length - 1, Math.max(0, at + step));
    const height = this.height();
    const [from, to] = [next * height, next * height + height * 2];
    if (from < this.node.scrollTop) this.node.scrollTop = from;
    else if (to > this.node.scrollTop + this.node.clientHeight) this.node.scrollTop = to - this.node.clientHeight + height;
    this.draw();
    this.link(this.rows[next].id)?.focus({ preventScroll: true });
  }
}
