// What was said: the question as it firms up, the answer as it is spoken, and where the time went.

import { waterfall } from "./waterfall.js";

const MS_PER_CHARACTER = 65; // of ordinary speech; only a guess of which sentence is spoken, until all of it is here

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function sentencesOf(text) {
  if (!Intl.Segmenter) return [text];
  const parts = new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(text);
  return Array.from(parts, ({ segment }) => segment);
}

/** How far two hypotheses agree, in whole words. */
function agreed(before, text) {
  let same = 0;
  while (same < before.length && before[same] === text[same]) same++;
  if (same === text.length) return same;
  return text.lastIndexOf(" ", same - 1) + 1;
}

class Turn {
  constructor() {
    this.item = element("li", "turn");
    this.hypothesis = "";
    this.answer = "";
    this.sentences = [];
  }

  /** The line of one side; is made when it has something to show. */
  line(side, who) {
    const have = this.item.querySelector(`.${side} .text`);
    if (have) return have;
    const made = element("p", side);
    const text = element("span", "text");
    made.append(element("span", "who", who), " ", text);
    const before = side === "you" ? this.item.firstChild : this.item.querySelector(".times");
    this.item.insertBefore(made, before);
    return text;
  }

  partial(text, stable = agreed(this.hypothesis, text)) {
    this.hypothesis = text;
    const firm = element("span", "firm", text.slice(0, stable));
    this.line("you", "You").replaceChildren(firm, element("span", "tentative", text.slice(stable)));
  }

  transcript(text) {
    this.hypothesis = text;
    this.line("you", "You").replaceChildren(text || "(nothing understood)");
  }

  answered(text) {
    if (text === this.answer && this.sentences.length) return;
    this.answer = text;
    const line = this.line("answer", "Answer");
    const sentences = sentencesOf(text);
    let same = 0; // sentences that stay keep their element, lest a selection in them is lost
    while (same < sentences.length && this.sentences[same]?.textContent === sentences[same]) same++;
    this.sentences.splice(same).forEach((span) => span.remove());
    for (const sentence of sentences.slice(same)) {
      const span = element("span", "", sentence);
      this.sentences.push(span);
      line.append(span);
    }
  }

  /** `ms` of the answer were heard; of `total_ms`, where all of it is here. */
  heard(ms, total_ms) {
    const all = this.answer.length;
    const said = total_ms ? (all * ms) / total_ms : Math.min(all - 1, ms / MS_PER_CHARACTER);
    let place = 0;
    for (const span of this.sentences) {
      const end = place + span.textContent.length;
      span.className = said >= end ? "said" : said >= place ? "now" : "";
      place = end;
    }
  }

  finished() {
    for (const span of this.sentences) span.className = "";
  }

  cut() {
    if (!this.sentences.length || this.item.querySelector(".cut")) return;
    const unsaid = this.sentences.filter((span) => !span.className);
    this.finished();
    for (const span of unsaid) span.className = "unsaid";
    const mark = element("span", "cut", "interrupted ");
    if (unsaid.length) unsaid[0].before(mark);
    else this.line("answer").append(mark);
  }

  times(stages, gap_ms) {
    this.stages = stages;
    this.item.querySelector(".times")?.remove();
    const made = waterfall(stages, gap_ms);
    this.item.append(made);
    return made;
  }

  failed(text) {
    this.item.append(element("p", "failed", text));
  }
}

export class Conversation {
  /** `list`: an <ol>; `announce(text)` has a screen reader say it. */
  constructor(list, announce) {
    this.list = list;
    this.announce = announce;
    this.turns = new Map();
    this.id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.open = matchMedia("(min-width: 60rem)").matches; // a phone has room for the words alone
  }

  turn(id) {
    if (!this.turns.has(id)) this.turns.set(id, new Turn());
    return this.turns.get(id);
  }

  /** Change a turn; the end of the list stays in sight, unless somebody has scrolled away from it. */
  change(id, change) {
    const page = document.scrollingElement;
    const below = page.scrollHeight - page.scrollTop - page.clientHeight;
    const turn = this.turn(id);
    change(turn);
    if (!turn.item.isConnected && turn.item.childNodes.length) this.list.append(turn.item);
    if (below < 120) page.scrollTop = page.scrollHeight;
  }

  /** Where the time of a turn went; of the newest one it is shown, unless somebody doesn't want that. */
  times(id, stages, gap_ms) {
    this.list.querySelectorAll(".times[open]").forEach((other) => (other.open = false));
    this.change(id, (it) => {
      const made = it.times(stages, gap_ms);
      made.open = this.open;
      made.firstChild.addEventListener("click", () => (this.open = !made.open));
    });
  }

  /** The connection is another one, and counts its turns anew. */
  restart() {
    this.turns.clear();
  }
}
