// Addresses that this server gave, and how full its pools are.
import { ask, get } from "./api.js";
import { clock, el, say, table } from "./dom.js";
import { t } from "./words.js";

export async function leasesView(main) {
  const trouble = el("p", { role: "alert", class: "trouble" });
  const place = el("div", {});
  main.append(el("h1", {}, t("leases")), trouble, place);
  const draw = async () => {
    const [leases, pools] = await Promise.all([get("/api/v1/leases"), get("/api/v1/pools")]);
    const release = async (address) => {
      if (!confirm(t("sureRelease", { address }))) return;
      try {
        await ask("DELETE", `/api/v1/leases/${address}`);
        say(t("removed"));
        await draw();
      } catch (error) {
        trouble.textContent = error.message;
      }
    };
    const pool = pools.map((it) => el("tr", {}, el("th", { scope: "row" }, it.network),
      ["addresses", "leased", "offered", "quarantined", "free"].map((key) => el("td", {}, it[key]))));
    const rows = leases.map((lease) => el("tr", {},
      el("th", { scope: "row", class: "mono" }, lease.address), el("td", { class: "mono" }, lease.hardware),
      el("td", {}, lease.host_name ?? ""), el("td", {}, lease.state),
      el("td", {}, lease.expires ? clock(lease.expires * 1000) : t("never")),
      el("td", {}, lease.active ? el("button", { type: "button", "aria-label": `${t("release")} ${lease.address}`, onclick: () => release(lease.address) }, t("release")) : "")));
    place.replaceChildren(
      pools.length ? table(t("pools"), ["network", "addresses", "leased", "offered", "quarantined", "free"].map((it) => t(it)), pool) : "",
      el("h2", {}, t("leases")),
      leases.length ? table(t("leases"), [t("address"), t("machine"), t("name"), t("state"), t("ends"), t("release")], rows) : el("p", {}, t("none")));
  };
  await draw();
}
