// What a machine boots next, once.
import { ask, get } from "./api.js";
import { choice, clock, el, field, say } from "./dom.js";
import { called, ways } from "./images.js";
import { t } from "./words.js";

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;

/** `image debian.iso` as people read it. */
export function words(what) {
  const [kind, name] = what.split(/ (.*)/s);
  return name ? `${t(`next.${kind}`)} ${kind === "image" ? called(name) : name}` : t(`next.${kind}`);
}

/** A form for the machine `id`: its node, and what draws the present order anew; nothing if it has no hardware address. */
export function nextBoot(id) {
  if (!MAC.test(id ?? "")) return { node: "", refresh: () => {} };
  const present = el("p", { role: "status" });
  const clear = el("button", { type: "button", hidden: true }, t("next.clear"));
  const script = field(t("next.name"), { name: "script", spellcheck: "false" });
  const boots = choice(t("next.what"), ["menu", "local", "script"].map((kind) => [kind, words(kind)]), { name: "what" });
  const once = choice(t("next.once"), ["done", "delivered"].map((it) => [it, t(`next.${it}`)]), { name: "once" });
  const [select, input] = [boots.querySelector("select"), script.querySelector("input")];
  const trouble = el("p", { role: "alert", class: "trouble", lang: "en" });
  const isScript = () => { script.hidden = select.value !== "script"; input.required = !script.hidden; };
  select.addEventListener("change", isScript);
  isScript();
  let isTouched = false;
  for (const it of [select, input, once.querySelector("select")]) it.addEventListener("input", () => { isTouched = true; });
  const add = ([value, text]) => {
    if (![...select.options].some((it) => it.value === value)) select.append(el("option", { value }, text));
  };
  // What is ordered is in the form, so that whoever changes when it ends keeps it; what somebody chooses stays.
  const preset = ({ what, once: ends }) => {
    const [kind, name] = what.split(/ (.*)/s);
    if (kind === "script") input.value = name;
    else add([what, words(what)]);
    select.value = kind === "script" ? kind : what;
    once.querySelector("select").value = ends;
    isScript();
  };
  const show = (order) => {
    const text = order ? t("next.order", { what: words(order.what), at: clock(order.given) }) : t("next.none");
    if (present.textContent !== text) present.textContent = text;
    clear.hidden = !order;
    if (order && !isTouched) preset(order);
  };
  const tried = async (work) => {
    trouble.replaceChildren();
    try {
      await work();
    } catch (error) {
      trouble.replaceChildren(error.message);
    }
  };
  const refresh = () => tried(async () => show((await get(`next-boot?mac=${encodeURIComponent(id)}`))[0]));
  const place = `next-boot/${encodeURIComponent(id)}`;
  const submit = (event) => {
    event.preventDefault();
    return tried(async () => {
      const what = select.value === "script" ? `script ${input.value.trim()}` : select.value;
      isTouched = false;
      show(await ask("PUT", place, { what, once: once.querySelector("select").value }));
      say(t("saved"));
    });
  };
  clear.addEventListener("click", () => tried(async () => {
    // It may have been spent in the meantime.
    await ask("DELETE", place).catch((error) => { if (error.status !== 404) throw error; });
    show(undefined);
    select.focus();
    say(t("removed"));
  }));
  tried(async () => {
    const { images } = await get("images");
    images.filter((image) => image.state === "ready").flatMap(ways).forEach(([value, text]) => add([`image ${value}`, text]));
  });
  refresh();
  const node = el("form", { class: "card", id: "next-boot", onsubmit: submit, "aria-label": t("next") },
    el("h2", {}, t("next")), present,
    el("div", { class: "fields" }, boots, script, once), trouble,
    el("p", { class: "buttons" }, el("button", { class: "main" }, t("next.give")), clear));
  return { node, refresh };
}
