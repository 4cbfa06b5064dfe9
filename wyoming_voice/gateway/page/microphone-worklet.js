// What the microphone hears, in frames of 32 ms of 16-bit PCM at the context's rate.

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(sampleRate * 0.032);
    this.start();
  }

  start() {
    this.frame = new Int16Array(this.size);
    this.filled = 0;
    this.squares = 0;
  }

  process([input]) {
    const samples = input[0];
    if (!samples) return true; // nothing is connected
    for (const sample of samples) {
      const bounded = Math.max(-1, Math.min(1, sample));
      this.squares += bounded * bounded;
      this.frame[this.filled++] = bounded < 0 ? bounded * 32768 : bounded * 32767;
      if (this.filled === this.size) this.give();
    }
    return true;
  }

  give() {
    const level = Math.sqrt(this.squares / this.size);
    const pcm = this.frame.buffer;
    this.port.postMessage({ pcm, level, at: currentTime }, [pcm]);
    this.start();
  }
}

registerProcessor("microphone", Microphone);
