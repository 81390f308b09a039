// A table of which only the rows in view exist: five thousand machines cost as much as fifty. On a phone each row is a
// card of three lines; roles are named, since what is laid out otherwise is no table to those who do not see.
import { clock, el, size } from "./dom.js";
import { t } from "./words.js";

const COLUMNS = ["id", "firmware", "step", "verdict", "progress", "last", "seen"];
const HEADS = { id: "machine", firmware: "firmware", step: "step", verdict: "verdict", progress: "progress", last: "last", seen: "seen" };
const CAN_HOVER = matchMedia("(hover: hover)");
/** Rows beyond the edges, so that scrolling finds them there. */
const SPARE = 8;

function progress(machine) {
  const { progress: it } = machine;
  // What is there in whole is told by the step.
  if (!it || (it.size > 0 && it.bytes >= it.size)) return "";
  const label = `${it.file} ${size(it.bytes)}`;
  if (!it.size) return label;
  return [el("progress", { max: it.size, value: it.bytes, "aria-label": label }), ` ${Math.floor((it.bytes * 100) / it.size)}\u00a0%`];
}

export function verdict(machine) {
  return el("span", { class: `verdict ${machine.verdict}` }, t(`verdict.${machine.verdict}`));
}

function cells(machine) {
  const cell = (name, props, ...children) => el("td", { role: "cell", class: `c-${name}`, ...props }, ...children);
  return [
    cell("firmware", {}, machine.firmware ?? t("unknown"), machine.runs === "iPXE" ? " · iPXE" : ""),
    cell("step", { title: machine.step ? t(`step.${machine.step}`) : null, "data-step": machine.step ?? "" }, machine.step ? t(`step.${machine.step}`) : ""),
    cell("verdict", {}, verdict(machine)),
    cell("progress", {}, progress(machine)),
    cell("last", { title: machine.text, lang: "en" }, machine.text),
    cell("seen", {}, clock(machine.last_seen)),
  ];
}

export class List {
  constructor(selected) {
    this.rows = [];
    /** What is drawn, by machine. */
    this.nodes = new Map();
    this.selected = selected;
    const gap = () => el("tr", { class: "gap", role: "presentation", "aria-hidden": "true" }, el("td", { colspan: COLUMNS.length }));
    [this.top, this.bottom] = [gap(), gap()];
    this.body = el("tbody", { role: "rowgroup" }, this.top, this.bottom);
    this.table = el("table", { role: "table", "aria-label": t("machines") },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row", "aria-rowindex": 1 },
        COLUMNS.map((name) => el("th", { scope: "col", role: "columnheader", class: `c-${name}` }, t(HEADS[name]))))),
      this.body);
    this.node = el("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": t("machines"), onkeydown: (event) => this.key(event) }, this.table);
    this.node.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.node);
  }

  /** Whether somebody points at a row, or is on one by keyboard: then none may move away under them. */
  get isHeld() {
    return this.node.contains(document.activeElement) || (CAN_HOVER.matches && this.node.matches(":hover"));
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
    const focused = this.focused();
    this.top.firstChild.style.height = `${first * height}px`;
    this.bottom.firstChild.style.height = `${Math.max(0, this.rows.length - first - shown.length) * height}px`;
    this.place(shown.map((machine, index) => this.drawn(machine, first + index)));
    if (focused && this.focused() !== focused) this.link(focused)?.focus({ preventScroll: true });
  }

  /** Rows that stay where they are are not touched: one of them may have the focus. */
  place(nodes) {
    const wanted = new Set(nodes);
    for (const node of [...this.body.children]) {
      if (node !== this.top && node !== this.bottom && !wanted.has(node)) {
        node.remove();
        this.nodes.delete(node.dataset.id);
      }
    }
    let at = this.top.nextSibling;
    for (const node of nodes) {
      if (node === at) at = at.nextSibling;
      else this.body.insertBefore(node, at);
    }
  }

  /** The row of a machine; what is drawn already is only brought up to date. */
  drawn(machine, index) {
    let row = this.nodes.get(machine.id);
    if (!row) {
      row = el("tr", { role: "row", "data-id": machine.id, "aria-current": machine.id === this.selected ? "true" : null },
        el("th", { scope: "row", role: "rowheader", class: "mono c-id" }, el("a", { href: `#machines/${machine.id}` }, machine.id)));
      this.nodes.set(machine.id, row);
    }
    row.setAttribute("aria-rowindex", index + 2);
    if (row.machine !== machine) {
      while (row.children.length > 1) row.lastChild.remove();
      row.append(...cells(machine));
      row.machine = machine;
    }
    return row;
  }

  focused() {
    const { activeElement } = document;
    return this.body.contains(activeElement) ? activeElement.closest("tr[data-id]")?.dataset.id : undefined;
  }

  link(id) {
    return this.body.querySelector(`tr[data-id="${CSS.escape(id)}"] a`);
  }

  /** Arrows go from row to row. */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (!step || !this.rows.length) return;
    event.preventDefault();
    const id = this.focused();
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
