// Which view is shown: the part of the address after #.
import { doctorView } from "./doctor.js";
import { byId, el } from "./dom.js";
import { explainView } from "./explain.js";
import { hostsView } from "./hosts.js";
import { imagesView } from "./images.js";
import { leasesView } from "./leases.js";
import { start } from "./live.js";
import { loadersView } from "./loaders.js";
import { machinesView } from "./machines.js";
import { rulesView } from "./rules.js";
import { language, setLanguage, t } from "./words.js";

const views = {
  machines: machinesView, images: imagesView, hosts: hostsView, rules: rulesView, leases: leasesView, loaders: loadersView, explain: explainView,
  doctor: doctorView,
};
let end = () => {};
let shown = "";
let turns = 0;

function plain(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function route() {
  const [asked, id] = plain(location.hash.slice(1)).split(/\/(.*)/s);
  const view = Object.hasOwn(views, asked) ? asked : "machines";
  // The link that skips the navigation is no view.
  if (asked === "main") return byId("main").focus();
  end();
  end = () => {};
  for (const link of byId("nav").querySelectorAll("a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${id ? `${id} · ` : ""}${t(view)} · pxe-server`;
  const main = byId("main");
  const place = el("div", {});
  main.replaceChildren(place);
  const turn = (turns += 1);
  let made = {};
  try {
    made = (await views[view](place, id)) ?? made;
  } catch (error) {
    place.append(el("p", { class: "trouble", role: "alert", lang: "en" }, error.message));
  }
  // Somebody who went on meanwhile sees something else by now.
  if (turn !== turns) return made.end?.();
  end = made.end ?? end;
  const name = `${view}/${id ?? ""}`;
  if (shown && shown !== name) (made.focus ?? main).focus();
  shown = name;
}

document.documentElement.lang = language;
byId("skip").textContent = t("skip");
byId("language-label").textContent = t("language");
byId("language").value = language;
byId("language").addEventListener("change", (event) => setLanguage(event.target.value));
byId("nav").setAttribute("aria-label", t("views"));
byId("nav").append(el("ul", {}, Object.keys(views).map((name) =>
  el("li", {}, el("a", { href: `#${name}`, "data-view": name }, t(name))))));
addEventListener("hashchange", route);
addEventListener("token", route);
start();
route();
