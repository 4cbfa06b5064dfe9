// Typed questions, and voices to hear: one request at a time, whose answer may be sound.

import { Refused, ask, wavPieces } from "./server.js";

/** A heading of percent-encoded UTF-8, which may have been cut short. */
function heading(response, name) {
  return decodeURIComponent((response.headers.get(name) ?? "").replace(/%[^%]?$/, ""));
}

export class Asking {
  constructor(parts) {
    Object.assign(this, parts); // sound, conversation, troubles, show, refused
    this.count = 0;
    this.now = null; // {id, abort, began, turn}
    this.phase = ""; // processing, responding
  }

  /** Ask a question, and have the answer spoken or only shown. */
  async ask(text, { aloud, voice, language }) {
    const job = this.begin();
    const format = aloud ? "wav" : "json";
    this.conversation.change(job.id, (it) => it.transcript(text));
    job.turn = this.conversation.turn(job.id);
    await this.run(job, async (signal) => {
      if (aloud) await this.sound.open();
      const response = await ask("ask", { text, voice, language, format, conversation: this.conversation.id }, signal);
      job.stages = [{ name: "answer begun", start_ms: 0, end_ms: performance.now() - job.began }];
      if (!aloud) return this.shown(job, (await response.json()).answer);
      this.shown(job, heading(response, "X-Answer"));
      return this.play(job, response);
    });
    this.conversation.change(job.id, (it) => it.finished());
  }

  /** Have a voice say who it is. */
  async hear(name, button) {
    const text = name ? `Hello, this is how ${name.replace(/[_-]+/g, " ")} sounds.` : "Hello, this is how I sound.";
    button.setAttribute("aria-busy", "true");
    const job = this.begin();
    await this.run(job, async (signal) => {
      await this.sound.open();
      await this.play(job, await ask("say", { text, voice: name, format: "wav" }, signal));
    });
    button.removeAttribute("aria-busy");
  }

  /** Nobody wants to hear it any more. */
  stop() {
    if (!this.now) return;
    this.now.abort.abort();
    this.sound.clear(this.now.id);
    this.finish(this.now);
  }

  begin() {
    this.stop();
    this.now = { id: `asked-${++this.count}`, abort: new AbortController(), began: performance.now(), bytes: 0 };
    this.phase = "processing";
    this.show();
    return this.now;
  }

  async run(job, work) {
    try {
      await work(job.abort.signal);
      if (!job.playing) this.finish(job);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.finish(job);
      this.failed(job, error);
    }
  }

  failed(job, error) {
    if (error.status === 401) this.refused(error);
    const text = error instanceof Refused ? error.message : "The answer broke off.";
    if (job.turn) this.conversation.change(job.id, (it) => it.failed(text));
    else this.troubles.tell("asking", text);
  }

  shown(job, text) {
    this.conversation.change(job.id, (it) => it.answered(text));
    if (text) this.conversation.announce(text);
  }

  async play(job, response) {
    for await (const piece of wavPieces(response)) {
      if (job !== this.now) return;
      if (piece.rate) {
        job.rate = piece.rate;
        job.playing = true;
        this.phase = "responding";
        this.sound.begin(job.id, piece.rate);
        this.show();
        continue;
      }
      job.bytes += piece.byteLength;
      this.sound.push(job.id, piece);
    }
    job.complete = true;
    this.sound.end(job.id);
  }

  /** A report of the player; whether it was about a sound of ours. */
  played({ type, id, ms }) {
    if (typeof id !== "string") return false;
    const job = this.now;
    if (job?.id !== id) return true;
    const total_ms = job.complete ? (1000 * job.bytes) / 2 / job.rate : 0;
    if (job.turn) job.turn.heard(ms, total_ms);
    if (type === "audible" && job.turn) {
      const heard_ms = performance.now() - job.began;
      this.conversation.times(id, job.stages, Math.round(heard_ms));
    }
    if (type === "ended") this.finish(job);
    return true;
  }

  finish(job) {
    job.turn?.finished();
    if (this.now === job) {
      this.now = null;
      this.phase = "";
    }
    this.show();
  }
}
