// All machines, kept up to date by server-sent events. Read with fetch, since EventSource sends no token.
import { get, headers } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./words.js";

const ROWS = 20000;
const machines = new Map();
const listeners = new Set();

/** The machines, those heard of last first. */
export function all() {
  return [...machines.values()].sort((a, b) => b.sequence - a.sequence);
}

/** Calls `listener(changed)` whenever machines change; returns what ends that. */
export function watch(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function take(changed) {
  for (const machine of changed) {
    const progress = machine.progress?.file ?? "";
    machine.text_lower = [machine.id, machine.address, machine.firmware ?? "?", machine.runs, machine.step,
      machine.verdict, machine.text, progress].join(" ").toLowerCase();
    machines.set(machine.id, machine);
  }
  for (const listener of listeners) listener(changed);
}

function show(state) {
  const link = byId("link");
  if (link.textContent !== t(state)) link.textContent = t(state);
  link.classList.toggle("cut", state === "cut");
}

/** Reads events until the connection ends. */
async function follow(since) {
  const answer = await fetch(`/api/v1/events?since=${since}`, { headers: headers() });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  show("live");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
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
  for (;;) {
    try {
      const list = await get(`/api/v1/machines?limit=${ROWS}`);
      machines.clear();
      take(list.machines);
      await follow(list.sequence);
    } catch (error) {
      console.warn(error);
    }
    show("cut");
    await new Promise((later) => setTimeout(later, 2000));
  }
}
