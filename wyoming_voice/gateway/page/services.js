// Which servers the gateway has found, and how they are.

import { ask } from "./server.js";

const EVERY_MS = 5_000;
const PATIENCE_MS = 4_000;
const NAMES = { asr: "Speech to text", tts: "Text to speech", handle: "Answering" };

/** "Speech to text", for "asr". */
export const nameOf = (kind) => NAMES[kind] ?? kind;

export class Services {
  /** `changed(services)`: null where the gateway doesn't answer. */
  constructor(list, summary, changed) {
    this.list = list;
    this.summary = summary;
    this.changed = changed;
    document.addEventListener("visibilitychange", () => document.hidden || this.poll());
    this.poll();
  }

  async poll() {
    clearTimeout(this.timer);
    const services = await ask("health", null, AbortSignal.timeout(PATIENCE_MS))
      .then((response) => response.json())
      .then((health) => health.services ?? [])
      .catch(() => null);
    this.show(services);
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => this.poll(), EVERY_MS);
  }

  show(services) {
    const away = services?.filter(({ state }) => state !== "up");
    let text = "The gateway is away";
    if (services) text = away.length > 1 ? `${away.length} services away` : "All services up";
    if (away?.length === 1) text = `${nameOf(away[0].kind)} away`;
    if (services && !services.length) text = "No services found";
    if (this.summary.textContent !== text) this.summary.textContent = text;
    this.summary.dataset.state = services?.length && !away.length ? "up" : "away";
    if (services) this.list.replaceChildren(...services.map(itemOf));
    this.changed(services);
  }
}

function itemOf({ kind, name, uri, state, latency_ms, version, error }) {
  const item = document.createElement("li");
  item.dataset.state = state;
  const title = document.createElement("strong");
  title.textContent = nameOf(kind);
  const how = document.createElement("span");
  how.className = "how";
  how.textContent = state === "up" ? `up${latency_ms == null ? "" : `, ${Math.round(latency_ms)} ms`}` : "away";
  const what = document.createElement("span");
  what.className = "what";
  what.textContent = [...new Set([name, version, uri, error])].filter(Boolean).join(" · "); // one unheard of goes by its URI
  item.append(title, " ", how, what);
  return item;
}
