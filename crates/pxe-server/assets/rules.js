// Rules for kinds of machines: those of the page can be changed, put in order and removed.
import { askTagged, get } from "./api.js";
import { choice, el, field, marked, offering, say, table } from "./dom.js";
import { origin } from "./hosts.js";
import { t } from "./words.js";

const WHEN = ["arch", "user-class", "vendor-class", "subnet", "mac"];
const ACTIONS = ["file", "url", "deny"];

function when(entry) {
  const known = Object.entries(entry.when ?? {}).map(([key, value]) => `${key} = ${[value].flat().join(", ")}`);
  return known.length ? known.join(" · ") : t("anybody");
}

function gives(entry) {
  return entry.deny ? t("action.deny") : entry.file ?? entry.url ?? "";
}

/** A form for `rule`, or for a new one; `done` has the entry, `stop` is for who thinks better of it. */
function form(rule, firmware, done, stop) {
  const entry = rule?.entry ?? {};
  const value = (name) => [entry.when?.[name] ?? ""].flat().join(", ");
  const inputs = WHEN.map((name) => [name, name === "arch"
    ? offering(t("when.arch"), { name, value: value(name), spellcheck: "false" }, firmware)
    : field(t(`when.${name}`), { name, value: value(name), spellcheck: "false" })]);
  const kind = ACTIONS.find((it) => entry[it]) ?? "file";
  const action = choice(t("action"), ACTIONS.map((it) => [it, t(`action.${it}`)]), { name: "action", value: kind });
  const target = field(t("target"), { name: "target", value: entry.file ?? entry.url ?? "", spellcheck: "false" });
  const [select, name] = [action.querySelector("select"), target.querySelector("input")];
  const isTarget = () => { target.hidden = select.value === "deny"; name.required = !target.hidden; };
  select.addEventListener("change", isTarget);
  isTarget();
  const submit = (event) => {
    event.preventDefault();
    const conditions = {};
    for (const [key, label] of inputs) {
      const text = label.querySelector("input").value.trim();
      if (text) conditions[key] = key === "arch" ? text.split(/[\s,]+/).filter(Boolean) : text;
    }
    done({ when: conditions, [select.value]: select.value === "deny" ? true : name.value.trim() });
  };
  const title = rule ? t("editRule", { n: rule.number }) : t("newRule");
  return el("form", { class: "card", id: "rule-form", onsubmit: submit, "aria-label": title }, el("h2", {}, title),
    el("div", { class: "fields" }, inputs.map(([, label]) => label), action, target),
    el("p", { class: "buttons" }, el("button", { class: "main" }, t(rule ? "save" : "add")),
      rule && el("button", { type: "button", onclick: stop }, t("cancel"))));
}

export async function rulesView(main) {
  const trouble = el("div", { role: "alert", class: "trouble", lang: "en" });
  const place = el("div", {});
  const [[first, firstTag], loaders] = await Promise.all([askTagged("GET", "rules"), get("loaders").catch(() => [])]);
  const firmware = loaders.map((it) => it.firmware);
  let [rules, tag] = [first, firstTag];
  /** Draws everything; `edited` is the rule in the form, `focus` what had the focus before, as its label says. */
  const draw = (edited, focus) => {
    const mine = rules.filter((rule) => rule.origin === "page").map((rule) => rule.entry);
    const put = async (next, label) => {
      try {
        trouble.replaceChildren();
        [rules, tag] = await askTagged("PUT", "rules", next, { "If-Match": tag });
        draw(undefined, label);
        say(t("saved"));
      } catch (error) {
        trouble.replaceChildren(...(error.lines?.() ?? [error.message]).map((line) => el("p", {}, marked(line))));
        // Somebody else was faster: what is there now is shown.
        if (error.status === 412) {
          [rules, tag] = await askTagged("GET", "rules");
          draw();
        }
      }
    };
    const moved = (from, to) => {
      const next = [...mine];
      next.splice(to, 0, ...next.splice(from, 1));
      return next;
    };
    const name = (word, index) => `${t(word)}: ${index + 1}`;
    const button = (word, text, index, props) => el("button", { type: "button", "aria-label": name(word, index), ...props }, text);
    // A button at an end keeps the focus that it has: it does nothing, and says so.
    const move = (word, text, index, to) => {
      const off = to < 0 || to >= mine.length;
      return button(word, text, index, { "aria-disabled": off ? "true" : null, onclick: () => off || put(moved(index, to), name(word, to)) });
    };
    const buttons = (index, rule) => rule.origin === "page" && el("span", { class: "buttons" },
      button("edit", t("edit"), index, { onclick: () => draw(rule) }),
      move("up", "↑", index, index - 1), move("down", "↓", index, index + 1),
      button("remove", t("remove"), index, { onclick: () => confirm(t("sureRule", { n: rule.number })) && put(mine.filter((_, it) => it !== index)) }));
    const rows = rules.map((rule, index) => el("tr", { "aria-current": rule === edited ? "true" : null }, el("td", {}, rule.number),
      el("th", { scope: "row", class: "free" }, when(rule.entry)), el("td", { class: "mono" }, gives(rule.entry)),
      el("td", {}, origin(rule)), el("td", {}, buttons(index, rule))));
    const index = rules.indexOf(edited);
    const shown = form(edited, firmware, (entry) => put(edited ? mine.with(index, entry) : [...mine, entry]), () => draw(undefined, name("edit", index)));
    place.replaceChildren(
      rules.length ? table(t("rules"), [t("number"), t("rule"), t("action"), t("origin"), t("edit")], rows) : el("p", {}, t("none")), shown);
    if (edited) shown.querySelector("input").focus();
    else if (focus) place.querySelector(`[aria-label="${CSS.escape(focus)}"]`)?.focus();
  };
  main.append(el("h1", {}, t("rules")), el("p", { class: "soft" }, t("rulesWhy")), trouble, place);
  draw();
}
