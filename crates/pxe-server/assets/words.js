// What the page says. English is here; another language is a module with the same keys.
import { sv } from "./sv.js";

const en = {
  skip: "Skip to content", language: "Language", views: "Views", token: "Token", ok: "OK", cancel: "Cancel",
  machines: "Machines", hosts: "Hosts", rules: "Rules", leases: "Leases", loaders: "Loaders", explain: "Explain",
  live: "Live", cut: "No connection, trying again", none: "Nothing here yet.", save: "Save", remove: "Remove",
  add: "Add", edit: "Edit", release: "Release", close: "Close", up: "Move up", down: "Move down", saved: "Saved",
  removed: "Removed", filter: "Filter", all: "all", shown: "{shown} of {all} machines",
  inPlace: "order kept while you point at them",
  machine: "Machine", address: "Address", firmware: "Firmware", step: "Step", verdict: "Verdict",
  progress: "Progress", file: "File", seen: "Heard", last: "Last step",
  "verdict.ok": "booted", "verdict.busy": "fetching", "verdict.waiting": "waiting", "verdict.silent": "silent",
  "verdict.held": "held", "verdict.denied": "denied", "verdict.failed": "failed",
  "step.discovered": "discovered", "step.offered": "offered", "step.addressed": "has an address",
  "step.asked": "asked", "step.loader-asked": "asks for its loader", "step.loader-delivered": "has its loader",
  "step.menu": "menu", "step.kernel": "kernel", "step.initrd": "initrd", "step.image": "image", "step.booted": "booted",
  story: "Story of {id}", pick: "Choose a machine to see its story.",
  noMachines: "No machine was heard yet. Let one boot from the network: it appears here by itself. If it does not, ask Doctor.", unknown: "unknown", boots: "Boots seen: {n}",
  steps: "Steps of this boot", entries: "What happened", reasons: "Why", packet: "What the packets said",
  again: "{n} times more, last {at}", once: "once more, {at}", dropped: "{n} older entries are not kept.", gone: "Nothing is known of {id}.",
  changed: "{id}: {step}, {verdict}",
  mac: "MAC address", hostname: "Host name", loader: "Loader", folder: "Folder", boot: "Boots from",
  "boot.network": "here (the network)", "boot.local": "its own disk, which it is told", "boot.never": "nothing of ours (denied)", image: "Image", script: "Script",
  lookAgain: "Look at it as it is now", tokenWhy: "Who looks from elsewhere, or changes something, needs a token: what pxe-server token add printed.", tokenWrong: "The token is not valid, or no more.", giveToken: "Give a token", otherToken: "Another token", locked: "A token is needed", rows: "{shown} of {all} shown",
  reserve: "Reserve", editRule: "Rule {n}", sureRule: "Remove rule {n}?", noImages: "Nothing here yet: put an ISO into the folder of images, and it appears here.", noLeases: "Nothing here yet: addresses are given in server mode.",
  "lease.leased": "leased", "lease.expired": "expired", "lease.released": "given back", "lease.declined": "declined", "lease.in-use": "in use by another machine",
  more: "Further keys of the configuration (JSON)", origin: "From", "origin.file": "configuration file",
  "origin.page": "page", hostForm: "Host entry", newHost: "New host entry",
  hostsWhy: "An entry of the page takes the place of the configuration's for the same MAC address; the next request follows it.",
  fileEntry: "It stands in the configuration file; saving lays an entry of the page over it.",
  rulesWhy: "The first rule that fits decides. Rules of the page are tried before those of the configuration file.",
  "when.arch": "Firmware (several: with commas)", "when.user-class": "User class", "when.vendor-class": "Vendor class",
  "when.subnet": "Subnet", "when.mac": "MAC, with * at its end", action: "Gives", "action.file": "file",
  "action.url": "URL", "action.deny": "nothing (deny)", target: "File or URL", number: "Number", rule: "Rule",
  newRule: "New rule", anybody: "everybody", state: "State", ends: "Ends", never: "never", name: "Name",
  pools: "Pools", network: "Network", addresses: "Addresses", leased: "Leased", free: "Free", offered: "Offered",
  quarantined: "Set aside", sureRelease: "End the lease of {address}?", sureRemove: "Remove the entry of {mac}?",
  fine: "fine", trouble: "Trouble", path: "Path", bytes: "Size", describe: "Describe a machine",
  ipxe: "It runs iPXE already", relay: "Relay", ask: "What would it get?", gets: "It gets",
  "gets.file": "the file {target}", "gets.url": "{target}", "gets.script": "the script {target}", "gets.deny": "nothing: denied",
  "gets.hold": "no answer: held", images: "Images", arriving: "arriving", examined: "being looked at", bootsNot: "boots on nothing we know",
  bootsOn: "Boots on", "kind.host": "Host", "kind.rule": "Rule", takenFor: "Taken for {firmware}",
  ramDisk: "all of it in memory, by its firmware itself", but: "But:",
  ramDiskOn: "All of it in memory, by the firmware itself: {list}; {memory} MiB",
  next: "Next boot", "next.what": "Boots", "next.menu": "the menu", "next.local": "its disk", "next.image": "image",
  "next.script": "script", "next.name": "Script", "next.once": "Ends when", "next.done": "the machine says that it is done",
  "next.delivered": "it has gone to the machine", "next.give": "Order", "next.clear": "Take back",
  "next.order": "Ordered: {what} ({at})", "next.none": "Nothing is ordered.",
  doctor: "Doctor", doctorGo: "Ask the network", doctorAsks: "Asking as every firmware would: about ten seconds.",
  doctorDone: "The report is here.", doctorNever: "Nobody has asked since the server started.", report: "Report",
  doctorWhy: "Asks the live network as each firmware would, takes no address, and says what to change, in order.",
  advice: "Do this:", likely: "Likely because", findings: "What to change, in order", clean: "Nothing to change", worthKnowing: "Worth knowing", faults: "To change ({n})",
  namesNothing: "names no file", namedNone: "No file is named to: {list}.", isProxy: "names files alone", offers: "offers {address}", isOwn: "this server",
  heardOn: "Heard on {name}, {address}", heardNobody: "Nobody answered {n} questions.", namedFiles: "Files that were named",
  isProgram: "What it is", asMachine: "As the machine (MAC)", serverBeyond: "Boot server behind a router",
};

const languages = { en, sv };
const saved = localStorage.getItem("pxe-language");
export const language = saved in languages ? saved : navigator.languages.some((it) => /^sv\b/i.test(it)) ? "sv" : "en";
/** How times and numbers are written: as the browser's own user writes this language. */
export const locale = navigator.languages.find((it) => it.split("-")[0] === language) ?? language;

/** The text of a key, with `{name}` filled in. */
export function t(key, values = {}) {
  const text = languages[language][key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function setLanguage(next) {
  localStorage.setItem("pxe-language", next);
  location.reload();
}
