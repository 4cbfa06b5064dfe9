// The last seconds of the microphone, and what the server's voice activity detector thinks of them.
//
// A column is a frame of 32 ms: its height is the level, its colour the probability of speech. What counted
// as speech has a tint and a line above it, so that colour is not all that tells it.

const SPEECH = 0.5;
const STEP_PX = 4;
const BAR_PX = 3;
const QUIETEST_DBFS = -60;
const LOUDEST_DBFS = -8;
const MOST_UNSCORED = 60; // two seconds: the server has left some out

export class Wave {
  constructor(canvas, words) {
    this.canvas = canvas;
    this.words = words;
    this.columns = [];
    this.unscored = [];
    this.latest = null; // the last frame that was scored
    this.lastSpeechAt = null;
    this.due = false;
    new ResizeObserver(() => this.resize()).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.recolour());
    }
    this.recolour();
  }

  /** A frame of the microphone; `sent`: the server hears it, too. `at` is on the audio clock, in seconds. */
  push(level, at, sent) {
    const dbfs = 20 * Math.log10(Math.max(level, 1e-6));
    const share = (dbfs - QUIETEST_DBFS) / (LOUDEST_DBFS - QUIETEST_DBFS);
    const column = { height: Math.min(1, Math.max(0, share)), at, sent, probability: null, speech: false };
    this.columns.push(column);
    if (this.columns.length > this.most) this.columns.splice(0, this.columns.length - this.most);
    if (sent) this.unscored.push(column);
    if (this.unscored.length > MOST_UNSCORED) this.unscored.splice(0, this.unscored.length - 1);
    this.draw();
  }

  /** The last so many frames were held back, and are sent only now. */
  sentLate(count) {
    this.unscored = count ? this.columns.slice(-count) : [];
    for (const column of this.unscored) column.sent = true;
  }

  /** What the server thinks of the next frame that it was sent. */
  score(probability) {
    const column = this.unscored.shift();
    if (!column) return;
    column.probability = probability;
    this.latest = column;
    if (probability >= SPEECH) this.lastSpeechAt = column.at;
    if (this.inSpeech) column.speech = true;
    this.draw();
  }

  /** Speech began: with the run of likely frames that led to it. */
  speechStarted() {
    this.inSpeech = true;
    for (let i = this.columns.length - 1; i >= 0; i--) {
      const { probability } = this.columns[i];
      if (probability === null) continue;
      if (probability < SPEECH) break;
      this.columns[i].speech = true;
    }
    this.draw();
  }

  /** Speech ended: with its last likely frame, a while ago. */
  speechStopped() {
    this.inSpeech = false;
    for (let i = this.columns.length - 1; i >= 0; i--) {
      if (this.columns[i].probability >= SPEECH) break;
      this.columns[i].speech = false;
    }
    this.draw();
  }

  /** The connection is another one: nothing that was sent before will be scored. */
  restart() {
    this.unscored = [];
    this.inSpeech = false;
    this.latest = null;
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const dense = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * dense);
    this.canvas.height = Math.round(height * dense);
    this.most = Math.ceil(width / STEP_PX);
    this.draw();
  }

  recolour() {
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.colours = { quiet: colour("--wave-quiet"), speech: colour("--you"), tint: colour("--wave-tint") };
    this.draw();
  }

  draw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.paint();
    });
  }

  paint() {
    const pen = this.canvas.getContext("2d");
    const dense = devicePixelRatio || 1;
    const [width, height] = [this.canvas.width / dense, this.canvas.height / dense];
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.columns.forEach((column, i) => {
      const x = width - (this.columns.length - i) * STEP_PX;
      if (column.speech) this.mark(pen, x, height);
      this.bar(pen, column, x, height);
    });
    this.tell();
  }

  mark(pen, x, height) {
    pen.globalAlpha = 1;
    pen.fillStyle = this.colours.tint;
    pen.fillRect(x, 0, STEP_PX, height);
    pen.fillStyle = this.colours.speech;
    pen.fillRect(x, 0, STEP_PX, 2);
  }

  bar(pen, { height: share, probability, sent }, x, height) {
    const tall = Math.max(2, share * (height - 10));
    const top = (height + 2 - tall) / 2;
    pen.globalAlpha = sent ? 0.9 : 0.45;
    pen.fillStyle = this.colours.quiet;
    pen.fillRect(x, top, BAR_PX, tall);
    if (!probability) return;
    pen.globalAlpha = probability;
    pen.fillStyle = this.colours.speech;
    pen.fillRect(x, top, BAR_PX, tall);
  }

  tell() {
    const { columns, latest } = this;
    let text = "microphone off";
    if (columns.length && !columns.at(-1).sent) text = "microphone open, nothing is sent";
    else if (columns.length && latest) {
      text = `speech ${Math.round(100 * latest.probability)} %`;
    }
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  /** The microphone is closed. */
  clear() {
    this.columns = [];
    this.restart();
    this.draw();
  }
}
