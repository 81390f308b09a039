// Addresses that this server gave, and how full its pools are.
import { ask, get } from "./api.js";
import { clock, el, say, searchable, table } from "./dom.js";
import { t } from "./words.js";

/** Host entries are for these. */
const ETHERNET = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const USES = ["network", "addresses", "leased", "offered", "quarantined", "free"];

export async function leasesView(main) {
  const trouble = el("p", { role: "alert", class: "trouble", lang: "en" });
  const place = el("div", {});
  main.append(el("h1", {}, t("leases")), trouble, place);
  const draw = async () => {
    const [leases, pools] = await Promise.all([get("leases"), get("pools")]);
    const release = async (address) => {
      if (!confirm(t("sureRelease", { address }))) return;
      try {
        await ask("DELETE", `leases/${address}`);
        say(t("removed"));
        await draw();
        place.querySelector("[role=region]")?.focus();
      } catch (error) {
        trouble.textContent = error.message;
      }
    };
    const pool = pools.map((it) => el("tr", {}, el("th", { scope: "row" }, it.network),
      USES.slice(1).map((key) => el("td", {}, it[key]))));
    const ends = ({ state, expires }) => (expires ? clock(expires * 1000) : state === "leased" ? t("never") : "");
    const row = (lease) => el("tr", {},
      el("th", { scope: "row", class: "mono" }, lease.address),
      el("td", { class: "mono" }, el("a", { href: `#machines/${lease.hardware}` }, lease.hardware)),
      el("td", {}, lease.host_name ?? ""), el("td", {}, t(`lease.${lease.state}`)),
      el("td", {}, ends(lease)),
      el("td", {}, el("span", { class: "buttons" },
        ETHERNET.test(lease.hardware) && el("a", { href: `#hosts/${lease.hardware}?address=${lease.address}`, "aria-label": `${t("reserve")} ${lease.address}` }, t("reserve")),
        lease.active && el("button", { type: "button", "aria-label": `${t("release")} ${lease.address}`, onclick: () => release(lease.address) }, t("release")))));
    const heads = ["address", "machine", "name", "state", "ends", "edit"].map((it) => t(it));
    place.replaceChildren(
      ...(pools.length ? [el("h2", {}, t("pools")), table(t("pools"), USES.map((it) => t(it)), pool), el("h2", {}, t("leases"))] : []),
      leases.length ? searchable(t("leases"), heads, leases, row,
        (it) => `${it.address} ${it.hardware} ${it.host_name ?? ""} ${t(`lease.${it.state}`)}`) : el("p", {}, t(pools.length ? "none" : "noLeases")));
  };
  await draw();
}
