// Requests to the API. A token, where one is needed, lives as long as the tab.
import { byId } from "./dom.js";
import { t } from "./words.js";

const KEY = "pxe-token";

/** What the server said against it. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `HTTP ${status}`);
    this.status = status;
    this.faults = body.faults ?? [];
    this.unheard = body.unheard;
  }

  /** All of it, as lines. */
  lines() {
    return [this.message, ...this.faults.map((it) => `${it.key}: ${it.problem}${it.remedy ? ` → ${it.remedy}` : ""}`)];
  }
}

export function headers(more = {}) {
  const token = sessionStorage.getItem(KEY);
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

async function once(method, path, body) {
  const kind = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, {
    method, headers: headers(kind), body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 204) return undefined;
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, said);
  return said;
}

/** Asks; if a token is needed, asks the person for it and then again. */
export async function ask(method, path, body) {
  for (;;) {
    try {
      return await once(method, path, body);
    } catch (error) {
      if (error.status !== 401 || !(await askToken(error.message))) throw error;
    }
  }
}

export const get = (path) => ask("GET", path);

let asking = null;

/** Asks for a token; whether one was given. */
export function askToken(why) {
  asking ??= new Promise((given) => {
    const dialog = byId("token-dialog");
    byId("token-title").textContent = t("token");
    byId("token-label").textContent = t("token");
    byId("token-go").textContent = t("ok");
    byId("token-not").textContent = t("cancel");
    byId("token-why").textContent = why;
    const end = (result) => {
      dialog.close();
      asking = null;
      given(result);
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
