// Requests to the API. A token, where one is needed, lives as long as the tab.
import { byId } from "./dom.js";
import { t } from "./words.js";

const KEY = "pxe-token";
/** Beside the page, so that it may stand behind a proxy at any path. */
const API = "api/v1/";

/** What the server said against it. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `HTTP ${status}`);
    this.status = status;
    this.faults = body.faults ?? [];
  }

  /** All of it, as lines. */
  lines() {
    return [this.message, ...this.faults.map((it) => `${it.key}: ${it.problem}${it.remedy ? ` → ${it.remedy}` : ""}`)];
  }
}

/** Asks without a question to the person. */
export async function send(method, path, { body, ...more } = {}) {
  const token = sessionStorage.getItem(KEY);
  const headers = { ...more };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(API + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

async function asked(method, path, options) {
  for (;;) {
    try {
      return await send(method, path, options);
    } catch (error) {
      if (error.status !== 401 || !(await askToken(hasToken()))) throw error;
    }
  }
}

const json = (answer) => (answer.status === 204 ? undefined : answer.json());

/** Asks; if a token is needed, asks the person for it and then again. */
export async function ask(method, path, body, headers) {
  return json(await asked(method, path, { body, ...headers }));
}

export const get = (path) => ask("GET", path);

/** The same, with what stands for this state (`ETag`). */
export async function askTagged(method, path, body, headers) {
  const answer = await asked(method, path, { body, ...headers });
  return [await json(answer), answer.headers.get("ETag")];
}

export const hasToken = () => sessionStorage.getItem(KEY) !== null;

let asking = null;

/** Asks for a token, of which the last one may have been wrong; whether one was given, which the window is told as `token`. */
export function askToken(isWrong) {
  asking ??= new Promise((given) => {
    const dialog = byId("token-dialog");
    byId("token-title").textContent = t("token");
    byId("token-label").textContent = t("token");
    byId("token-go").textContent = t("ok");
    byId("token-not").textContent = t("cancel");
    byId("token-why").textContent = t(isWrong ? "tokenWrong" : "tokenWhy");
    const end = (result) => {
      dialog.close();
      asking = null;
      given(result);
      if (result) dispatchEvent(new Event("token"));
    };
    byId("token-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, byId("token").value.trim());
      byId("token").value = "";
      end(true);
    };
    byId("token-not").onclick = () => end(false);
    dialog.oncancel = () => end(false);
    dialog.showModal();
  });
  return asking;
}
