// Images: what they are, and on which firmware they boot.
import { get } from "./api.js";
import { el, size, table } from "./dom.js";
import { t } from "./words.js";

/** The entry that is all of an image, started by the firmware itself. */
const RAM_DISK = "ram-disk";
const UEFI = ["x86", "x64", "arm32", "arm64", "riscv64", "loong64"];
/** Firmware that is neither, and loads kernels of its own processor. */
const OTHERS = { ppc64: "ppc64-of", s390x: "s390x" };
const PC = ["x86", "x64"];

/** Names of the firmware that an image's entries boot on, and of what starts the image as a whole. */
function firmware({ entries = [], ram_disk: whole }) {
  const names = entries.flatMap(({ bios, efi, cpus }) => [
    ...(bios && (!cpus.length || cpus.some((cpu) => PC.includes(cpu))) ? ["bios"] : []),
    ...(efi ? UEFI.filter((cpu) => !cpus.length || cpus.includes(cpu)).map((cpu) => `${cpu}-uefi`) : []),
    ...cpus.filter((cpu) => cpu in OTHERS).map((cpu) => OTHERS[cpu]),
  ]);
  return [...new Set([...names, ...(whole?.firmware ?? [])])];
}

function boots(image) {
  if (image.state === "arriving") return el("span", { class: "verdict busy" }, t("arriving"));
  if (image.state === "broken") return el("span", { class: "verdict failed", lang: "en" }, image.error);
  if (!image.kind) return el("span", { class: "verdict waiting" }, t("examined"));
  const names = firmware(image);
  if (!names.length) return el("span", { class: "verdict denied" }, t("bootsNot"));
  return el("span", { class: "verdict ok" }, names.join(", "));
}

/** What people call it: most titles have the version in them. */
function name({ title, label, version }) {
  const known = title || label || "";
  return version && !known.includes(version) ? `${known} ${version}` : known;
}

/** What an image can be told to boot: itself, each of its entries if it has several, and all of it by the firmware. */
export function ways({ name: file, entries = [], ram_disk: whole }) {
  const of = entries.length > 1 ? entries.map((it) => [`${file}#${it.id}`, `${file}: ${it.title || it.id}`]) : [];
  return [[file, file], ...of, ...(whole ? [[`${file}#${RAM_DISK}`, `${file}: ${t("ramDisk")}`]] : [])];
}

/** `debian.iso#ram-disk` as people read it. */
export function called(image) {
  const [file, entry] = String(image).split(/#(.*)/s);
  return entry === RAM_DISK ? `${file}: ${t("ramDisk")}` : image;
}

export async function imagesView(main) {
  const { images } = await get("images");
  const rows = images.map((image) => el("tr", {},
    el("th", { scope: "row", class: "mono free" }, image.name),
    el("td", {}, name(image)),
    el("td", {}, boots(image), image.ram_disk && el("p", { class: "soft" }, t("ramDiskOn",
      { list: image.ram_disk.firmware.join(", "), memory: image.ram_disk.memory_mib })), (image.warnings ?? []).map((line) => el("p", { class: "soft", lang: "en" }, line))),
    el("td", {}, size(image.size))));
  main.append(el("h1", {}, t("images")), images.length
    ? table(t("images"), [t("file"), t("name"), t("bootsOn"), t("bytes")], rows) : el("p", {}, t("noImages")));
}
