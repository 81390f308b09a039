// One machine's story.
import { get } from "./api.js";
import { clock, el, marked } from "./dom.js";
import { verdict } from "./list.js";
import { t } from "./words.js";

const STEPS = ["discovered", "offered", "addressed", "asked", "loader-asked", "loader-delivered", "menu", "kernel", "initrd", "image", "booted"];

function time(at) {
  return el("time", { class: "soft", datetime: new Date(at).toISOString() }, clock(at));
}

function steps(stages) {
  const reached = new Map(stages.map((stage) => [stage.step, stage.at]));
  return el("ol", { class: "steps", "aria-label": t("steps") }, STEPS.filter((step) => reached.has(step)).map((step) =>
    el("li", { class: "done" }, t(`step.${step}`), " ", time(reached.get(step)))));
}

/** What is said here and was not by the line before, if that rests on the same packet; else all. */
function fieldsOf(it, before) {
  const known = new Set((before?.fields ?? []).map((field) => JSON.stringify(field)));
  const fresh = it.fields.filter((field) => !known.has(JSON.stringify(field)));
  return it.fields.length - fresh.length === known.size ? fresh : it.fields;
}

/** What is not said by the line itself, nor by the line before. */
function details(it, before) {
  const reasons = it.reasons.every((reason) => it.text.includes(reason)) ? [] : it.reasons;
  const fields = fieldsOf(it, before);
  return [
    reasons.length > 0 && [el("h3", {}, t("reasons")), el("ol", { lang: "en" }, reasons.map((reason) => el("li", {}, reason)))],
    fields.length > 0 && [el("h3", {}, t("packet")), el("dl", { class: "packet", lang: "en" },
      fields.map((field) => [el("dt", {}, field.name), el("dd", { class: "mono" }, field.value)]).flat())],
  ].filter(Boolean).flat();
}

function entry(it, before) {
  const line = [time(it.at), " ", el("span", { lang: "en" }, it.text)];
  const more = details(it, before);
  return el("li", { class: `weight-${it.weight}` },
    more.length > 0 ? el("details", {}, el("summary", {}, line), el("div", { class: "more" }, more)) : el("p", { class: "line" }, line),
    it.causes.length > 0 && el("div", { class: "causes" }, el("p", { class: "soft" }, t("likely")),
      el("ul", { lang: "en" }, it.causes.map((cause) => el("li", {}, marked(cause))))),
    it.advice && el("p", { class: "line" }, el("strong", {}, t("advice")), " ", el("span", { lang: "en" }, marked(it.advice))),
    it.repeats > 0 && el("p", { class: "soft again" }, t(it.repeats === 1 ? "once" : "again", { n: it.repeats, at: clock(it.repeated_at) })));
}

/** Entries that are drawn already stay as they are: one may be open, or have the focus. */
function entries(list, old) {
  const known = new Map([...old?.children ?? []].map((node) => [node.told, node]));
  const nodes = list.map((it, index) => {
    const told = JSON.stringify([it.sequence, it.repeats, it.text]);
    const node = known.get(told) ?? entry(it, list[index - 1]);
    node.told = told;
    return node;
  });
  const place = old ?? el("ol", { class: "story" });
  for (const node of [...place.children]) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, index) => {
    if (place.children[index] !== node) place.insertBefore(node, place.children[index] ?? null);
  });
  return place;
}

/** Draws the story of `id` into `panel`. */
export async function story(panel, id) {
  let it;
  try {
    it = await get(`machines/${encodeURIComponent(id)}`);
  } catch (error) {
    panel.replaceChildren(el("p", { class: "trouble" }, error.status === 404 ? t("gone", { id }) : error.message));
    return;
  }
  const { summary } = it;
  const head = el("div", { class: "head" },
    el("h2", {}, t("story", { id })),
    el("p", {}, verdict(summary), " · ", summary.firmware ?? t("unknown"), summary.address ? ` · ${summary.address}` : "",
      " · ", t("boots", { n: summary.boots }), " · ", el("a", { href: `#hosts/${id}` }, t("hostForm"))),
    steps(it.stages),
    el("h3", {}, t("entries")),
    it.entries_dropped > 0 ? el("p", { class: "soft" }, t("dropped", { n: it.entries_dropped })) : "");
  const old = panel.querySelector("ol.story");
  const list = entries(it.entries, old);
  if (old) panel.firstChild.replaceWith(head);
  else panel.replaceChildren(head, list);
}
