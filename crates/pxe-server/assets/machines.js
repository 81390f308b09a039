// The live list of machines, and the story of one.
import { choice, el, field, say } from "./dom.js";
import { List } from "./list.js";
import { all, watch } from "./live.js";
import { nextBoot } from "./nextboot.js";
import { story } from "./story.js";
import { t } from "./words.js";

const VERDICTS = ["ok", "busy", "waiting", "silent", "held", "denied", "failed"];
/** The filter outlives a look at another view. */
const wanted = { text: "", verdict: "" };

function filtered() {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  return all().filter((machine) => (!wanted.verdict || machine.verdict === wanted.verdict)
    && words.every((word) => machine.text_lower.includes(word)));
}

export function machinesView(main, id) {
  const list = new List(id);
  const count = el("p", { class: "soft", id: "count" });
  const update = () => {
    const rows = filtered();
    list.show(rows);
    count.textContent = t("shown", { shown: rows.length, all: all().length });
  };
  const filter = field(t("filter"), { type: "search", id: "filter", value: wanted.text, oninput: (event) => {
    wanted.text = event.target.value;
    list.node.scrollTop = 0;
    update();
  } });
  const verdict = choice(t("verdict"), [["", t("all")], ...VERDICTS.map((it) => [it, t(`verdict.${it}`)])],
    { id: "verdict", value: wanted.verdict, onchange: (event) => { wanted.verdict = event.target.value; update(); } });
  const panel = el("section", { class: "card", "aria-label": id ? t("story", { id }) : t("entries") });
  const next = nextBoot(id);
  main.append(el("h1", {}, t("machines")), el("div", { class: "bar" }, filter, verdict, count),
    el("div", { class: id ? "split chosen" : "split" }, list.node, el("div", {}, panel, next.node)));
  update();
  let due = false;
  let told = "";
  const end = watch((changed) => {
    if (!due) {
      due = true;
      requestAnimationFrame(() => { due = false; update(); });
    }
    const mine = changed.find((machine) => machine.id === id);
    if (mine) {
      story(panel, id);
      next.refresh();
      const step = mine.step ? t(`step.${mine.step}`) : "";
      const news = t("changed", { id, step, verdict: t(`verdict.${mine.verdict}`) });
      if (news !== told) say(told = news);
    }
  });
  if (id) story(panel, id);
  else panel.append(el("p", { class: "soft" }, t("pick")));
  return end;
}
