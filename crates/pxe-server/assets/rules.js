// Rules for kinds of machines: those of the page can be changed, put in order and removed.
import { ask, get } from "./api.js";
import { choice, el, field, say, table } from "./dom.js";
import { origin } from "./hosts.js";
import { t } from "./words.js";

const WHEN = ["arch", "user-class", "vendor-class", "subnet", "mac"];

function when(entry) {
  const known = Object.entries(entry.when ?? {}).map(([key, value]) => `${key} = ${[value].flat().join(", ")}`);
  return known.length ? known.join(" · ") : t("anybody");
}

function gives(entry) {
  return entry.deny ? t("action.deny") : entry.file ?? entry.url ?? "";
}

function form(add) {
  const inputs = WHEN.map((name) => [name, field(t(`when.${name}`), { name })]);
  const action = choice(t("action"), ["file", "url", "deny"].map((it) => [it, t(`action.${it}`)]), { name: "action" });
  const target = field(t("target"), { name: "target" });
  const submit = (event) => {
    event.preventDefault();
    const conditions = {};
    for (const [name, label] of inputs) {
      const value = label.querySelector("input").value.trim();
      if (value) conditions[name] = name === "arch" ? value.split(/[\s,]+/).filter(Boolean) : value;
    }
    const kind = action.querySelector("select").value;
    const value = target.querySelector("input").value.trim();
    add({ when: conditions, [kind]: kind === "deny" ? true : value });
  };
  return el("form", { class: "card", onsubmit: submit, "aria-label": t("newRule") }, el("h2", {}, t("newRule")),
    el("div", { class: "fields" }, inputs.map(([, label]) => label), action, target),
    el("p", { class: "buttons" }, el("button", { class: "main" }, t("add"))));
}

export async function rulesView(main) {
  const trouble = el("div", { role: "alert", class: "trouble" });
  const place = el("div", {});
  const draw = (rules) => {
    const mine = rules.filter((rule) => rule.origin === "page").map((rule) => rule.entry);
    const put = async (next) => {
      try {
        trouble.replaceChildren();
        draw(await ask("PUT", "/api/v1/rules", next));
        say(t("saved"));
      } catch (error) {
        trouble.replaceChildren(...(error.lines?.() ?? [error.message]).map((line) => el("p", {}, line)));
      }
    };
    const moved = (from, to) => {
      const next = [...mine];
      next.splice(to, 0, ...next.splice(from, 1));
      return next;
    };
    const buttons = (index, rule) => rule.origin === "page" && el("span", { class: "buttons" },
      el("button", { type: "button", disabled: index === 0, "aria-label": `${t("up")}: ${rule.number}`, onclick: () => put(moved(index, index - 1)) }, "↑"),
      el("button", { type: "button", disabled: index === mine.length - 1, "aria-label": `${t("down")}: ${rule.number}`, onclick: () => put(moved(index, index + 1)) }, "↓"),
      el("button", { type: "button", "aria-label": `${t("remove")}: ${rule.number}`, onclick: () => put(mine.filter((_, it) => it !== index)) }, t("remove")));
    const rows = rules.map((rule, index) => el("tr", {}, el("td", {}, rule.number),
      el("th", { scope: "row", class: "free" }, when(rule.entry)), el("td", { class: "mono" }, gives(rule.entry)),
      el("td", {}, origin(rule)), el("td", {}, buttons(index, rule))));
    place.replaceChildren(
      rules.length ? table(t("rules"), [t("number"), t("rule"), t("action"), t("origin"), t("edit")], rows) : el("p", {}, t("none")),
      form((rule) => put([...mine, rule])));
  };
  main.append(el("h1", {}, t("rules")), el("p", { class: "soft" }, t("rulesWhy")), trouble, place);
  draw(await get("/api/v1/rules"));
}
