// What single machines get.
import { ask, get } from "./api.js";
import { el, field, say, table } from "./dom.js";
import { called, ways } from "./images.js";
import { t } from "./words.js";

const TEXTS = ["hostname", "address", "loader", "folder", "image"];

function form(mac, known, done) {
  const entry = { ...known?.entry };
  const inputs = Object.fromEntries(TEXTS.map((name) => [name, field(t(name), { name, value: entry[name] ?? "" })]));
  const names = el("datalist", { id: "image-names" });
  inputs.image.querySelector("input").setAttribute("list", names.id);
  get("/api/v1/images").then(({ images }) => {
    const ready = images.filter((image) => image.state === "ready").flatMap(ways);
    names.replaceChildren(...ready.map(([value, text]) => el("option", { value }, text)));
  }, () => {});
  const macField = field(t("mac"), { name: "mac", value: mac ?? "", required: true, readonly: Boolean(known) });
  const boot = el("input", { type: "checkbox", name: "boot", checked: entry.boot !== false });
  const { mac: _, ...others } = entry;
  for (const name of TEXTS) delete others[name];
  // `boot = "local"` is no yes or no.
  if (typeof others.boot === "boolean") delete others.boot;
  const more = el("textarea", { name: "more", spellcheck: "false" });
  more.value = Object.keys(others).length ? JSON.stringify(others, null, 1) : "";
  const trouble = el("div", { role: "alert", class: "trouble" });
  const fail = (error) => trouble.replaceChildren(...(error.lines?.() ?? [error.message]).map((line) => el("p", {}, line)));
  const save = async (event) => {
    event.preventDefault();
    try {
      const body = more.value.trim() ? JSON.parse(more.value) : {};
      for (const name of TEXTS) {
        const { value } = inputs[name].querySelector("input");
        if (value.trim()) body[name] = value.trim();
      }
      if (!boot.checked) body.boot = false;
      const id = macField.querySelector("input").value.trim();
      await ask("PUT", `/api/v1/hosts/${encodeURIComponent(id)}`, body);
      say(t("saved"));
      done();
    } catch (error) {
      fail(error);
    }
  };
  const remove = async () => {
    if (!confirm(t("sureRemove", { mac }))) return;
    try {
      await ask("DELETE", `/api/v1/hosts/${encodeURIComponent(mac)}`);
      say(t("removed"));
      done();
    } catch (error) {
      fail(error);
    }
  };
  return el("form", { class: "card", onsubmit: save, "aria-label": t("hostForm"), id: "host-form" },
    el("h2", {}, known ? t("hostForm") : t("newHost")),
    known?.origin === "file" ? el("p", { class: "soft" }, t("fileEntry")) : "",
    el("div", { class: "fields" }, macField, Object.values(inputs)), names,
    el("label", { class: "line" }, boot, el("span", {}, t("boot"))),
    el("label", {}, el("span", {}, t("more")), more),
    trouble,
    el("p", { class: "buttons" }, el("button", { class: "main" }, t("save")),
      known?.origin === "page" ? el("button", { type: "button", onclick: remove }, t("remove")) : ""));
}

export const origin = (it) => (it.origin === "page" && it.edited_by
  ? `${t("origin.page")}: ${t("editedBy", { by: it.edited_by, at: it.edited_at })}` : t(`origin.${it.origin}`));

export async function hostsView(main, id) {
  const hosts = await get("/api/v1/hosts");
  const bare = (mac) => mac.toLowerCase().replace(/[:.-]/g, "");
  const known = id && hosts.find((host) => bare(host.mac) === bare(id));
  const gets = (entry) => Object.entries(entry).filter(([key]) => key !== "mac")
    .map(([key, value]) => (key === "image" ? `${t("image")} ${called(value)}` : `${key} = ${JSON.stringify(value)}`)).join(", ");
  const rows = hosts.map((host) => el("tr", {},
    el("td", {}, host.number),
    el("th", { scope: "row", class: "mono" }, el("a", { href: `#hosts/${host.mac}` }, host.mac)),
    el("td", { class: "mono" }, gets(host.entry)),
    el("td", {}, origin(host))));
  main.append(el("h1", {}, t("hosts")), el("p", { class: "soft" }, t("hostsWhy")),
    hosts.length ? table(t("hosts"), [t("number"), t("mac"), t("gets"), t("origin")], rows) : el("p", {}, t("none")),
    form(known ? known.mac : id, known, () => {
      if (location.hash === "#hosts") dispatchEvent(new HashChangeEvent("hashchange"));
      else location.hash = "#hosts";
    }));
}
