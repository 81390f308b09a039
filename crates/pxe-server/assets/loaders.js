// Boot programs and their health.
import { get } from "./api.js";
import { el, size, table } from "./dom.js";
import { t } from "./words.js";

/** Firmware that nobody thought of has no boot program, and that is no fault. */
function state({ ok, file, trouble }) {
  if (ok) return el("span", { class: "verdict ok" }, t("fine"));
  return el("span", { class: file ? "verdict failed" : "soft", lang: "en" }, trouble);
}

export async function loadersView(main) {
  const loaders = await get("loaders");
  const rows = loaders.map((it) => el("tr", {}, el("th", { scope: "row" }, it.firmware),
    el("td", { class: "mono" }, it.file ?? ""),
    el("td", {}, state(it)),
    el("td", {}, it.bytes === null ? "" : size(it.bytes)), el("td", { class: "mono" }, it.path ?? "")));
  main.append(el("h1", {}, t("loaders")),
    table(t("loaders"), [t("firmware"), t("file"), t("state"), t("bytes"), t("path")], rows));
}
