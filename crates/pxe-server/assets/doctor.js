// Doctor: asks the live network as each firmware would, and says what to change.
import { ask, get } from "./api.js";
import { clock, el, field, marked, say, table } from "./dom.js";
import { t } from "./words.js";

/** Milliseconds between looks at a run. */
const PAUSE = 1000;

function finding(it) {
  return el("li", { class: it.is_fault ? "trouble-line finding" : "finding", "data-id": it.id },
    el("p", { lang: "en" }, el("strong", {}, it.what), it.firmware.length > 0 && el("span", { class: "soft" }, ` (${it.firmware.join(", ")})`)),
    it.causes.length > 0 && el("ul", { lang: "en" }, it.causes.map((cause) => el("li", {}, marked(cause)))),
    el("p", {}, el("strong", {}, t("advice")), " ", el("span", { lang: "en" }, marked(it.advice))));
}

function told(it) {
  if (!it.file) return el("td", { class: "soft" }, t("namesNothing"));
  const from = it.next_server ? `${it.file} @ ${it.next_server}` : it.file;
  return el("td", { class: "mono" }, from, it.by_boot_server ? " (4011)" : "");
}

function server(it) {
  const what = it.is_proxy ? t("isProxy") : it.offers ? t("offers", { address: it.offers }) : "";
  return [it.server, what, it.is_own ? t("isOwn") : ""].filter(Boolean).join(" · ");
}

function segment(it) {
  const name = t("heardOn", { name: it.interface, address: it.address });
  if (!it.servers.length) return [el("h2", {}, name), el("p", {}, t("heardNobody", { n: it.discovers }))];
  const isNamed = (line) => line.named.some(({ file }) => file);
  const rows = it.firmware.filter(isNamed).map((line) => el("tr", {}, el("th", { scope: "row" }, line.firmware), line.named.map(told)));
  const others = it.firmware.filter((line) => !isNamed(line)).map((line) => line.firmware);
  return [el("h2", {}, name), table(name, [t("firmware"), ...it.servers.map(server)], rows),
    others.length > 0 && el("p", { class: "soft" }, t("namedNone", { list: others.join(", ") }))].filter(Boolean);
}

function files(list) {
  const rows = list.map((it) => el("tr", {}, el("th", { scope: "row", class: "mono free" }, it.url),
    el("td", {}, el("span", { class: `verdict ${it.arrived ? "ok" : "failed"}`, lang: "en" }, it.outcome)), el("td", { lang: "en" }, it.program ?? "")));
  return list.length > 0 ? [el("h2", {}, t("namedFiles")), table(t("namedFiles"), [t("file"), t("state"), t("isProgram")], rows)] : [];
}

function drawn({ made, report }) {
  const faults = report.findings.filter((it) => it.is_fault);
  const others = report.findings.filter((it) => !it.is_fault);
  return [
    el("p", {}, el("span", { class: `verdict ${report.is_clean ? "ok" : "failed"}` }, report.is_clean ? t("clean") : t("faults", { n: faults.length })),
      " ", el("span", { class: "soft" }, clock(made))),
    faults.length > 0 && el("ol", { class: "story", "aria-label": t("findings") }, faults.map(finding)),
    others.length > 0 && el("h2", {}, t("worthKnowing")),
    others.length > 0 && el("ul", { class: "story", "aria-label": t("worthKnowing") }, others.map(finding)),
    ...report.segments.flatMap(segment), ...files(report.files),
  ].filter(Boolean);
}

export async function doctorView(main) {
  const progress = el("p", { role: "status" });
  const trouble = el("p", { role: "alert", class: "trouble", lang: "en" });
  const report = el("section", { "aria-label": t("report") });
  const go = el("button", { class: "main", id: "doctor-go" }, t("doctorGo"));
  const mac = field(t("asMachine"), { name: "mac", spellcheck: "false" });
  const server = field(t("serverBeyond"), { name: "server", spellcheck: "false" });
  let [timer, running, over] = [0, false, false];
  const show = (it) => {
    const ended = running && it.running_since === null;
    running = it.running_since !== null;
    go.setAttribute("aria-disabled", String(running));
    const seconds = running ? Math.max(0, Math.round((Date.now() - it.running_since) / 1000)) : 0;
    // Those who listen are told of the beginning and the end, not of each second.
    progress.replaceChildren(running ? t("doctorAsks") : "", el("span", { "aria-hidden": "true" }, running ? ` ${seconds} s` : ""));
    if (running && !it.report) report.replaceChildren();
    if (!running) report.replaceChildren(...(it.report ? drawn(it) : [el("p", { class: "soft" }, t("doctorNever"))]));
    if (ended) say(t("doctorDone"));
    clearTimeout(timer);
    if (running && !over) timer = setTimeout(look, PAUSE);
  };
  let [asked, shown] = [0, 0];
  const tried = async (work) => {
    const turn = (asked += 1);
    try {
      const it = await work();
      // An answer that was overtaken is old.
      if (turn < shown) return;
      shown = turn;
      show(it);
      trouble.replaceChildren();
    } catch (error) {
      trouble.replaceChildren(error.message);
      if (running && !over) timer = setTimeout(look, PAUSE);
    }
  };
  const look = () => tried(() => get("doctor"));
  const submit = (event) => {
    event.preventDefault();
    const value = (label) => label.querySelector("input").value.trim() || null;
    return running || tried(() => ask("POST", "doctor", { mac: value(mac), server: value(server) }));
  };
  main.append(el("h1", {}, t("doctor")), el("p", { class: "soft" }, t("doctorWhy")),
    el("form", { class: "card", id: "doctor-form", onsubmit: submit, "aria-label": t("doctor") }, el("div", { class: "fields" }, mac, server), el("p", { class: "buttons" }, go)), progress, trouble, report);
  await look();
  return { end: () => { over = true; clearTimeout(timer); } };
}
