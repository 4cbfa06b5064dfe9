// The microphone and the loudspeaker of this browser.

import { Refused } from "./server.js";

const RELEASE_AFTER_MS = 60_000; // an unused microphone is given back, and the browser's mark goes out

/** What a person can do about a microphone that can't be had. */
export function microphoneTrouble(error) {
  if (!isSecureContext) {
    return (
      "Browsers give the microphone only to https pages and to localhost, and this page came over plain http. " +
      "Start the gateway with --tls-cert and --tls-key, or open it on the machine itself as " +
      `http://localhost:${location.port || 80}. Typing works all the same.`
    );
  }
  if (error instanceof Refused) return error.message;
  switch (error.name) {
    case "NotAllowedError":
      return "The microphone is not allowed. Allow it for this page (the icon beside the address), then try again. Typing works all the same.";
    case "NotFoundError":
      return "No microphone was found. Plug one in, then try again. Typing works all the same.";
    case "NotReadableError":
      return "The microphone can't be opened; perhaps another program has it. Close that, then try again.";
    default:
      return `The microphone can't be used: ${error.message}`;
  }
}

export class Sound {
  /** `heard(frame)`: of the microphone; `played(report)`: of playbacks; `closed(why)`: the microphone should be. */
  constructor({ heard, played, closed }) {
    this.heard = heard;
    this.played = played;
    this.closed = closed;
    this.context = null;
    this.stream = null;
    this.opening = null;
  }

  /** Open the loudspeaker; browsers want a press of a key or a button for this. */
  async open() {
    this.opening ??= this.build().catch(() => {
      this.opening = null;
      throw new Refused(0, "The gateway can't be reached.");
    });
    await this.opening;
    // resume() may stay pending for ever without a gesture; nobody waits for it.
    if (this.context.state !== "running") this.context.resume();
  }

  async build() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    const beside = (name) => new URL(name, import.meta.url);
    await Promise.all([
      this.context.audioWorklet.addModule(beside("player-worklet.js")),
      this.context.audioWorklet.addModule(beside("microphone-worklet.js")),
    ]);
    this.player = new AudioWorkletNode(this.context, "player", { outputChannelCount: [1] });
    this.player.port.onmessage = ({ data }) => this.report(data);
    this.player.connect(this.context.destination);
    this.capture = new AudioWorkletNode(this.context, "microphone", { numberOfOutputs: 0 });
    this.capture.port.onmessage = ({ data }) => this.stream && this.heard(data);
  }

  /** Pass on what the worklet says: what it has given is heard after the device's latency. */
  report(told) {
    const latency_ms = 1000 * (this.context.outputLatency || 0);
    if (told.type === "ended") {
      setTimeout(() => this.played(told), latency_ms);
      return;
    }
    this.played({ ...told, ms: Math.max(0, Math.round(told.ms - latency_ms)), at: told.at + latency_ms / 1000 });
  }

  get rate() {
    return this.context.sampleRate;
  }

  get listening() {
    return this.stream !== null;
  }

  /** Open the microphone, unless it is open; rejects with what getUserMedia says. */
  async listen() {
    this.stay();
    if (this.stream) return;
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("no access", "NotSupportedError");
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    await this.open();
    this.stream = stream;
    this.source = this.context.createMediaStreamSource(stream);
    this.source.connect(this.capture);
    stream.getAudioTracks()[0].addEventListener("ended", () => {
      if (this.stream === stream) this.closed("The microphone has gone. Plug it in again, then press the button.");
    });
  }

  /** Give the microphone back. */
  deafen() {
    this.stay();
    this.source?.disconnect();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.source = this.stream = null;
  }

  /** Give it back soon, unless it is used again. */
  leaveSoon() {
    this.stay();
    this.leaving = setTimeout(() => this.closed(""), RELEASE_AFTER_MS);
  }

  stay() {
    clearTimeout(this.leaving);
  }

  begin(id, rate) {
    this.player?.port.postMessage({ type: "begin", id, rate });
  }

  push(id, pcm) {
    this.player?.port.postMessage({ type: "pcm", id, pcm }, [pcm]);
  }

  end(id) {
    this.player?.port.postMessage({ type: "end", id });
  }

  /** Silence one playback, or all. */
  clear(id = null) {
    this.player?.port.postMessage({ type: "clear", id });
  }
}
