// Plays 16-bit PCM of any rate without a gap between its pieces, and says how much of it was heard.
//
// Each playback is a track; tracks play one after another. A windowed sinc, continuous over the pieces,
// brings a track to the context's rate. What is cleared fades within 5 ms.

const REACH = 16; // samples of the track on either side that make one sample of ours
const PHASES = 256;
const LEAD_S = 0.06; // waits before a track begins, so that an uneven network isn't heard
const LEAD_AFTER_A_GAP_S = 0.15;
const FADE_S = 0.005;
const REPORT_S = 0.1;
const AUDIBLE = 0.002; // -54 dBFS

/** For each of PHASES + 1 places between two samples: the weights of the 2 * REACH samples around it. */
function kernel(cutoff) {
  const taps = 2 * REACH;
  const table = new Float32Array((PHASES + 1) * taps);
  for (let phase = 0; phase <= PHASES; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const x = tap - REACH + 1 - phase / PHASES;
      const angle = Math.PI * cutoff * x;
      const sinc = x === 0 ? 1 : Math.sin(angle) / angle;
      const hann = Math.cos((Math.PI * x) / (2 * REACH)) ** 2;
      sum += table[phase * taps + tap] = sinc * hann;
    }
    for (let tap = 0; tap < taps; tap++) table[phase * taps + tap] /= sum;
  }
  return table;
}

class Track {
  constructor(id, rate) {
    this.id = id;
    this.rate = rate;
    this.step = rate / sampleRate;
    this.kernel = kernel(Math.min(1, 0.97 / this.step));
    this.samples = new Float32Array(rate); // grows
    this.length = REACH; // of what came; silence goes first, for the filter
    this.place = REACH; // of what is played next
    this.dropped = -REACH; // samples that are no longer in `samples`
    this.ended = false;
    this.running = false;
    this.lead = LEAD_S;
    this.audible = false;
  }

  get playedMs() {
    return Math.round((1000 * (this.dropped + this.place)) / this.rate);
  }

  push(pcm) {
    this.makeRoom(pcm.length + REACH);
    for (let i = 0; i < pcm.length; i++) this.samples[this.length + i] = pcm[i] / 32768;
    this.length += pcm.length;
  }

  end() {
    this.makeRoom(REACH);
    this.samples.fill(0, this.length, this.length + REACH);
    this.ended = true;
  }

  makeRoom(more) {
    const gone = Math.floor(this.place) - REACH;
    if (gone > this.rate) {
      this.samples.copyWithin(0, gone, this.length);
      this.length -= gone;
      this.place -= gone;
      this.dropped += gone;
    }
    if (this.length + more <= this.samples.length) return;
    const larger = new Float32Array(2 * (this.length + more));
    larger.set(this.samples.subarray(0, this.length));
    this.samples = larger;
  }

  /** Whether the next sample can be made; waits for a lead at the beginning and after a gap. */
  ready() {
    const waiting = this.length - this.place;
    if (this.ended) return waiting > 0;
    if (!this.running) {
      this.running = waiting >= Math.max(this.lead * this.rate, REACH + 1);
    } else if (waiting < REACH + 1) {
      this.running = false;
      this.lead = LEAD_AFTER_A_GAP_S;
    }
    return this.running;
  }

  next() {
    const whole = Math.floor(this.place);
    const phase = (this.place - whole) * PHASES;
    const low = Math.floor(phase);
    const part = phase - low;
    const taps = 2 * REACH;
    let first = low * taps;
    let sum = 0;
    for (let at = whole - REACH + 1; at <= whole + REACH; at++, first++) {
      const weight = this.kernel[first] + part * (this.kernel[first + taps] - this.kernel[first]);
      sum += weight * this.samples[at];
    }
    this.place += this.step;
    return sum;
  }
}

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.tracks = [];
    this.fading = null; // the track that was cleared, and how much of the fade is left
    this.reportAt = 0;
    this.port.onmessage = ({ data }) => this[data.type](data);
  }

  begin({ id, rate }) {
    this.tracks.push(new Track(id, rate));
  }

  pcm({ id, pcm }) {
    this.tracks.find((track) => track.id === id)?.push(new Int16Array(pcm));
  }

  end({ id }) {
    this.tracks.find((track) => track.id === id)?.end();
  }

  clear({ id }) {
    const cleared = this.tracks.filter((track) => id === null || track.id === id);
    this.tracks = this.tracks.filter((track) => !cleared.includes(track));
    for (const track of cleared) {
      if (track.running || track.ended) this.fading = { track, left: Math.round(FADE_S * sampleRate) };
      this.report("cleared", track);
    }
  }

  process(_inputs, [[output]]) {
    for (let i = 0; i < output.length; i++) output[i] = this.sample(i) + this.faded();
    const [track] = this.tracks;
    if (track?.running && currentTime >= this.reportAt) {
      this.report("position", track);
      this.reportAt = currentTime + REPORT_S;
    }
    return true;
  }

  sample(i) {
    const [track] = this.tracks;
    if (!track) return 0;
    if (!track.ready()) {
      if (track.ended) {
        this.report("ended", track);
        this.tracks.shift();
      }
      return 0;
    }
    track.running = true;
    const sample = track.next();
    if (!track.audible && Math.abs(sample) > AUDIBLE) {
      track.audible = true;
      this.report("audible", track, currentTime + i / sampleRate);
    }
    return sample;
  }

  faded() {
    if (!this.fading) return 0;
    const { track, left } = this.fading;
    if (left === 0 || !track.ready()) {
      this.fading = null;
      return 0;
    }
    this.fading.left--;
    return (track.next() * left) / (FADE_S * sampleRate);
  }

  report(type, track, at = currentTime) {
    this.port.postMessage({ type, id: track.id, ms: track.playedMs, at });
  }
}

registerProcessor("player", Player);
