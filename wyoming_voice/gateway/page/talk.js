// The WebSocket of the conversation: opened when it is needed, and opened again when it breaks.

import { Refused, ask, key, socketAt } from "./server.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const ALIVE_MS = 60_000; // the gateway lets go whoever sends nothing for long
const MOST_UNSENT_BYTES = 500_000; // five seconds of microphone; what is older helps nobody

export class Talk {
  /** `told(message)`, `sounded(buffer)`, `changed(state)`, `refused(error)`. */
  constructor(callbacks) {
    Object.assign(this, callbacks);
    this.socket = null;
    this.ready = false;
    this.wanted = null; // the opening message, while a connection is wanted
    this.tries = 0;
    addEventListener("online", () => this.hurry());
    setInterval(() => this.send({ type: "alive" }), ALIVE_MS);
  }

  /** Be connected from here on; another opening than the one in use begins anew. */
  open(opening) {
    const same = JSON.stringify(opening) === JSON.stringify(this.wanted);
    this.wanted = opening;
    if (same && this.socket) return;
    this.drop();
    this.connect();
  }

  close() {
    this.wanted = null;
    this.drop();
    this.changed("closed");
  }

  send(message) {
    if (this.ready) this.socket.send(JSON.stringify(message));
  }

  /** Whether the frame went out. */
  sendSound(pcm) {
    if (!this.ready || this.socket.bufferedAmount > MOST_UNSENT_BYTES) return false;
    this.socket.send(pcm);
    return true;
  }

  /** Do not wait any longer for the next try. */
  hurry() {
    if (this.wanted && !this.socket) this.connect();
  }

  drop() {
    clearTimeout(this.waiting);
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    socket?.close();
  }

  connect() {
    clearTimeout(this.waiting);
    this.changed("connecting");
    let socket;
    try {
      socket = new WebSocket(socketAt("ws/talk"), key.get() ? ["wyoming-voice", `api-key.${key.get()}`] : []);
    } catch {
      this.wanted = null;
      this.refused(new Refused(401, "A browser can't send this key; ask for one of letters and digits."));
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify(this.wanted));
    socket.onmessage = ({ data }) => this.socket === socket && this.take(data);
    socket.onclose = () => this.socket === socket && this.lost();
  }

  take(data) {
    if (typeof data !== "string") return this.sounded(data);
    const message = JSON.parse(data);
    if (message.type === "ready") {
      this.ready = true;
      this.tries = 0;
      this.changed("open");
    }
    return this.told(message);
  }

  async lost() {
    const hadBegun = this.ready;
    this.drop();
    // A browser doesn't say why a WebSocket was refused; a request does.
    if (!hadBegun) {
      const error = await ask("voices").catch((refusal) => refusal);
      if (error instanceof Refused && error.status === 401) {
        this.wanted = null;
        this.changed("closed");
        this.refused(error);
        return;
      }
    }
    if (!this.wanted || this.socket) return;
    const wait_ms = Math.min(FIRST_WAIT_MS * 2 ** this.tries++, LONGEST_WAIT_MS);
    const spread_ms = wait_ms * (0.8 + 0.4 * Math.random()); // lest all pages come back at once
    this.waiting = setTimeout(() => this.connect(), spread_ms);
    this.changed("lost");
  }
}
