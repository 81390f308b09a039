// Images: what they are, and on which firmware they boot.
import { get } from "./api.js";
import { el, size, table } from "./dom.js";
import { t } from "./words.js";

function boots(image) {
  const entries = image.entries ?? [];
  const on = (key, name) => entries.some((entry) => entry[key]) && name;
  const kinds = [on("bios", "BIOS"), on("efi", "UEFI")].filter(Boolean);
  if (image.state === "arriving") return el("span", { class: "verdict busy" }, t("arriving"));
  if (image.state === "broken") return el("span", { class: "verdict failed", lang: "en" }, image.error);
  if (!image.kind) return el("span", { class: "verdict waiting" }, t("examined"));
  if (!kinds.length) return el("span", { class: "verdict denied" }, t("bootsNot"));
  return el("span", { class: "verdict ok" }, `${kinds.join(", ")} · ${image.cpus.join(", ")}`);
}

/** What people call it: most titles have the version in them. */
function name({ title, label, version }) {
  const known = title || label || "";
  return version && !known.includes(version) ? `${known} ${version}` : known;
}

export async function imagesView(main) {
  const { images } = await get("images");
  const rows = images.map((image) => el("tr", {},
    el("th", { scope: "row", class: "mono free" }, image.name),
    el("td", {}, name(image)),
    el("td", {}, boots(image), (image.warnings ?? []).map((line) => el("p", { class: "soft", lang: "en" }, line))),
    el("td", {}, size(image.size))));
  main.append(el("h1", {}, t("images")), images.length
    ? table(t("images"), [t("file"), t("name"), t("bootsOn"), t("bytes")], rows) : el("p", {}, t("none")));
}
