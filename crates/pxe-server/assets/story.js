// One machine's story.
import { get } from "./api.js";
import { clock, el } from "./dom.js";
import { verdict } from "./list.js";
import { language, t } from "./words.js";

const STEPS = ["discovered", "offered", "addressed", "asked", "loader-asked", "loader-delivered", "menu", "kernel", "initrd", "image", "booted"];
const TROUBLE = new Set(["silent", "held", "denied", "failed", "missing", "refused", "unserved", "declined", "ignored"]);

function steps(stages) {
  const reached = new Map(stages.map((stage) => [stage.step, stage.at]));
  return el("ol", { class: "steps", "aria-label": t("steps") }, STEPS.filter((step) => reached.has(step)).map((step) =>
    el("li", { class: "done" }, t(`step.${step}`), " ", el("span", { class: "soft" }, clock(reached.get(step), language)))));
}

function details(label, lines) {
  return lines.length > 0 && el("details", {}, el("summary", {}, label), el("ul", {}, lines.map((line) => el("li", { class: "mono" }, line))));
}

function entry(it) {
  const again = it.repeats > 0 && el("p", { class: "soft" }, t("again", { n: it.repeats, at: clock(it.repeated_at, language) }));
  return el("li", { class: TROUBLE.has(it.stage) ? "trouble-line" : "" },
    el("p", {}, el("span", { class: "soft" }, clock(it.at, language)), " ", it.text), again,
    details(t("reasons"), it.reasons), details(t("packet"), it.fields.map((line) => `${line.name}: ${line.value}`)));
}

/** Draws the story of `id` into `panel`; what was open stays open. */
export async function story(panel, id) {
  let it;
  try {
    it = await get(`/api/v1/machines/${encodeURIComponent(id)}`);
  } catch (error) {
    panel.replaceChildren(el("p", { class: "trouble" }, error.status === 404 ? t("gone", { id }) : error.message));
    return;
  }
  const open = [...panel.querySelectorAll("details")].map((node) => node.open);
  const { summary } = it;
  panel.replaceChildren(
    el("h2", {}, t("story", { id })),
    el("p", {}, verdict(summary), " · ", summary.firmware ?? t("unknown"), summary.address ? ` · ${summary.address}` : "", " · ", t("boots", { n: summary.boots })),
    el("p", {}, el("a", { href: `#hosts/${id}` }, t("hostForm"))),
    steps(it.stages),
    el("h2", {}, t("entries")),
    it.entries_dropped > 0 ? el("p", { class: "soft" }, t("dropped", { n: it.entries_dropped })) : "",
    el("ol", { class: "story" }, it.entries.map(entry)),
  );
  panel.querySelectorAll("details").forEach((node, index) => { node.open = open[index] ?? false; });
}
