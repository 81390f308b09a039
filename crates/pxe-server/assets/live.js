// All machines, kept up to date by server-sent events. Read with fetch, since EventSource sends no token.
import { askToken, get, hasToken, send } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./words.js";

const ROWS = 20000;
/** Milliseconds between tries. */
const PAUSE = 2000;
/** Milliseconds after which a connection that says nothing is gone: the server says something every 15 seconds. */
const SILENCE = 40000;
/** In the order of their last changes: a map keeps its keys as they came. */
const machines = new Map();
const listeners = new Set();
let newestFirst = null;
let told = false;

/** Whether the server has said which machines there are. */
export const isTold = () => told;

/** The machines, those heard of last first. Not to be changed. */
export function all() {
  newestFirst ??= [...machines.values()].reverse();
  return newestFirst;
}

/** What a filter looks at; made when one does, since most changes are never looked at. */
export function searched(machine) {
  machine.searched ??= [machine.id, machine.address, machine.firmware ?? "?", machine.runs, machine.step,
    machine.verdict, machine.text, machine.progress?.file].join(" ").toLowerCase();
  return machine.searched;
}

/** Calls `listener(changed)` whenever machines change; returns what ends that. */
export function watch(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function take(changed) {
  changed.sort((a, b) => a.sequence - b.sequence);
  for (const machine of changed) {
    machines.delete(machine.id);
    machines.set(machine.id, machine);
  }
  newestFirst = null;
  told = true;
  for (const listener of listeners) listener(changed);
}

function show(state) {
  const link = byId("link");
  if (link.textContent !== t(state)) link.textContent = t(state);
  link.dataset.state = state;
  link.classList.toggle("cut", state !== "live");
  const sign = byId("sign");
  sign.textContent = t(hasToken() ? "otherToken" : "giveToken");
  sign.hidden = state !== "locked" && !hasToken();
}

/** What comes next, or the end if nothing does: a network that went away tells nobody. */
async function inTime(reader) {
  let timer;
  const late = new Promise((gone) => { timer = setTimeout(() => gone({ done: true }), SILENCE); });
  const next = await Promise.race([reader.read(), late]);
  clearTimeout(timer);
  if (next.done) reader.cancel().catch(() => {});
  return next;
}

/** Reads events until the connection ends. */
async function follow(since) {
  const answer = await send("GET", `events?since=${since}`);
  show("live");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await inTime(reader);
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
      if (data) take(JSON.parse(data));
    }
  }
}

/** Never ends. */
export async function start() {
  byId("sign").addEventListener("click", () => askToken(false));
  for (;;) {
    let state = "cut";
    try {
      const list = await get(`machines?limit=${ROWS}`);
      machines.clear();
      take(list.machines);
      await follow(list.sequence);
    } catch (error) {
      console.warn(error);
      if (error.status === 401) state = "locked";
    }
    show(state);
    // Whoever gave no token is not asked again and again.
    await new Promise((go) => {
      addEventListener("token", go, { once: true });
      if (state !== "locked") setTimeout(go, PAUSE);
    });
  }
}
