// The live list of machines, and the story of one.
import { choice, el, field, say } from "./dom.js";
import { List } from "./list.js";
import { all, isTold, searched, watch } from "./live.js";
import { nextBoot } from "./nextboot.js";
import { story } from "./story.js";
import { t } from "./words.js";

const VERDICTS = ["ok", "busy", "waiting", "silent", "held", "denied", "failed"];
/** What is looked at outlives a look at another view. */
const wanted = { text: "", verdict: "", scroll: 0 };

function filtered() {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.verdict && !words.length) return all();
  return all().filter((machine) => (!wanted.verdict || machine.verdict === wanted.verdict)
    && words.every((word) => searched(machine).includes(word)));
}

/** `rows` in the places that they had in `before`; new ones behind them. */
function inPlace(before, rows) {
  const left = new Map(rows.map((machine) => [machine.id, machine]));
  const kept = [];
  for (const { id } of before) {
    const machine = left.get(id);
    if (machine) kept.push(machine);
    left.delete(id);
  }
  return [...kept, ...left.values()];
}

export function machinesView(main, id) {
  const list = new List(id);
  const count = el("p", { class: "soft", id: "count" });
  const hint = el("p", { class: "soft" });
  const update = (anew = false) => {
    const newest = filtered();
    const rows = list.isHeld && !anew ? inPlace(list.rows, newest) : newest;
    list.show(rows);
    const order = rows.some((machine, index) => machine !== newest[index]) ? ` · ${t("inPlace")}` : "";
    const text = t("shown", { shown: rows.length, all: all().length }) + order;
    if (count.textContent !== text) count.textContent = text;
    if (!id) hint.textContent = t(isTold() && !all().length ? "noMachines" : "pick");
  };
  const again = () => {
    list.node.scrollTop = 0;
    update(true);
  };
  const filter = field(t("filter"), { type: "search", id: "filter", value: wanted.text, oninput: (event) => {
    wanted.text = event.target.value;
    again();
  } });
  const verdict = choice(t("verdict"), [["", t("all")], ...VERDICTS.map((it) => [it, t(`verdict.${it}`)])],
    { id: "verdict", value: wanted.verdict, onchange: (event) => { wanted.verdict = event.target.value; again(); } });
  const panel = el("section", { class: "card", tabindex: -1, "aria-label": id ? t("story", { id }) : t("entries") });
  const next = nextBoot(id);
  main.append(el("h1", {}, t("machines")), el("div", { class: "bar" }, filter, verdict, count),
    el("div", { class: id ? "split chosen" : "split" }, list.node, el("div", { class: "side" }, panel, next.node)));
  update();
  list.node.scrollTop = wanted.scroll;
  list.node.addEventListener("scroll", () => { wanted.scroll = list.node.scrollTop; }, { passive: true });
  let due = false;
  const soon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; update(); });
  };
  list.node.addEventListener("mouseleave", soon);
  list.node.addEventListener("focusout", soon);
  let told = "";
  const end = watch((changed) => {
    soon();
    const mine = changed.findLast((machine) => machine.id === id);
    if (mine) {
      story(panel, id);
      next.refresh();
      const step = mine.step ? t(`step.${mine.step}`) : "";
      const news = t("changed", { id, step, verdict: t(`verdict.${mine.verdict}`) });
      if (news !== told) say(told = news);
    }
  });
  if (id) story(panel, id);
  else panel.append(hint);
  return { end, focus: id ? panel : undefined };
}
