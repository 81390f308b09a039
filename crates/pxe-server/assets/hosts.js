// What single machines get.
import { ask, get } from "./api.js";
import { clock, el, field, marked, offering, say, searchable } from "./dom.js";
import { called, ways } from "./images.js";
import { language, t } from "./words.js";

const TEXTS = ["hostname", "address", "loader", "folder"];
/** What it boots: at most one of them. */
const TARGETS = ["image", "script"];

function bootChoice({ boot }) {
  const pairs = [["", t("boot.network")], ["local", t("boot.local")], ["never", t("boot.never")]];
  const value = boot === false ? "never" : boot === "local" ? "local" : "";
  return el("label", {}, el("span", {}, t("boot")), el("select", { name: "boot" },
    pairs.map(([key, text]) => el("option", { value: key, selected: key === value }, text))));
}

/** The keys of the entry that the fields of the form stand for, and the others as JSON. */
function apart({ mac: _, boot: __, ...entry }) {
  const others = { ...entry };
  const texts = {};
  for (const name of [...TEXTS, ...TARGETS]) {
    if (typeof others[name] === "string") texts[name] = others[name];
    if (typeof others[name] === "string") delete others[name];
  }
  return [texts, Object.keys(others).length ? JSON.stringify(others, null, 1) : ""];
}

function form(mac, known, wanted, offers, done) {
  const [texts, others] = apart({ ...wanted, ...known?.entry });
  const input = (name) => (offers[name]
    ? offering(t(name), { name, value: texts[name] ?? "" }, offers[name]) : field(t(name), { name, value: texts[name] ?? "" }));
  const inputs = Object.fromEntries([...TEXTS, ...TARGETS].map((name) => [name, input(name)]));
  const macField = field(t("mac"), { name: "mac", value: mac ?? "", required: true, readonly: Boolean(known) });
  const boot = bootChoice({ ...known?.entry });
  const more = el("textarea", { name: "more", spellcheck: "false" });
  more.value = others;
  const trouble = el("div", { role: "alert", class: "trouble", lang: "en" });
  const again = () => dispatchEvent(new HashChangeEvent("hashchange"));
  const fail = (error) => trouble.replaceChildren(...(error.lines?.() ?? [error.message]).map((line) => el("p", {}, marked(line))),
    ...(error.status === 412 && known ? [el("button", { type: "button", lang: language, onclick: again }, t("lookAgain"))] : []));
  const id = () => encodeURIComponent(macField.querySelector("input").value.trim());
  // Who is second learns that somebody else was faster, and undoes nothing.
  const asSeen = known ? { "If-Match": `"${known.version}"` } : { "If-None-Match": "*" };
  const tried = async (work, word) => {
    try {
      await work();
      say(t(word));
      done();
    } catch (error) {
      fail(error);
    }
  };
  const save = (event) => {
    event.preventDefault();
    return tried(async () => {
      const body = more.value.trim() ? JSON.parse(more.value) : {};
      for (const [name, label] of Object.entries(inputs)) {
        const value = label.querySelector("input").value.trim();
        if (value) body[name] = value;
      }
      const choice = boot.querySelector("select").value;
      if (choice) body.boot = choice === "local" ? "local" : false;
      await ask("PUT", `hosts/${id()}`, body, asSeen);
    }, "saved");
  };
  const remove = () => confirm(t("sureRemove", { mac })) && tried(() => ask("DELETE", `hosts/${id()}`, undefined, asSeen), "removed");
  return el("form", { class: "card", onsubmit: save, "aria-label": t("hostForm"), id: "host-form" },
    el("h2", {}, known ? t("hostForm") : t("newHost")),
    known && el("p", { class: "soft" }, known.origin === "file" ? t("fileEntry") : origin(known)),
    el("div", { class: "fields" }, macField, Object.values(inputs), boot),
    el("label", {}, el("span", {}, t("more")), more),
    trouble,
    el("p", { class: "buttons" }, el("button", { class: "main" }, t("save")),
      known?.origin === "page" && el("button", { type: "button", onclick: remove }, t("remove")),
      (known || mac) && el("a", { href: "#hosts" }, t("close"))));
}

export const origin = (it) => (it.origin === "page" && it.edited_by
  ? `${t("origin.page")}: ${it.edited_by}, ${clock(Date.parse(it.edited_at))}` : t(`origin.${it.origin}`));

const bare = (mac) => mac.toLowerCase().replace(/[:.-]/g, "");

export async function hostsView(main, asked) {
  const [hosts, { images }, loaders] = await Promise.all([get("hosts"), get("images").catch(() => ({ images: [] })), get("loaders").catch(() => [])]);
  // As in `hosts/52:54:00:aa:00:01?address=192.0.2.7`.
  const [id, query] = (asked ?? "").split("?");
  const known = id && hosts.find((host) => bare(host.mac) === bare(id));
  const gets = (entry) => Object.entries(entry).filter(([key]) => key !== "mac")
    .map(([key, value]) => (key === "image" ? `${t("image")} ${called(value)}` : `${key} = ${JSON.stringify(value)}`)).join(", ");
  const row = (host) => el("tr", {},
    el("td", {}, host.number),
    el("th", { scope: "row", class: "mono" }, el("a", { href: `#hosts/${host.mac}` }, host.mac)),
    el("td", { class: "mono" }, gets(host.entry)),
    el("td", {}, origin(host)));
  const list = hosts.length ? searchable(t("hosts"), [t("number"), t("mac"), t("gets"), t("origin")], hosts, row,
    (host) => `${host.mac} ${gets(host.entry)} ${origin(host)}`) : el("p", {}, t("none"));
  const ready = images.filter((image) => image.state === "ready");
  const offers = {
    image: ready.flatMap(ways).map(([name]) => name),
    loader: [...new Set(loaders.map(({ file }) => file).filter(Boolean))],
  };
  const edit = form(known ? known.mac : id, known, Object.fromEntries(new URLSearchParams(query)), offers, () => {
    if (location.hash === "#hosts") dispatchEvent(new HashChangeEvent("hashchange"));
    else location.hash = "#hosts";
  });
  // What was asked for stands first: the list may be long.
  main.append(el("h1", {}, t("hosts")), el("p", { class: "soft" }, t("hostsWhy")), ...(id ? [edit, list] : [list, edit]));
  return { focus: id ? edit.querySelector("input:not([readonly])") : undefined };
}
