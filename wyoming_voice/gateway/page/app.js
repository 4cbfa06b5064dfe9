// Brings the parts of the page together: what the person does, what the gateway says, what is shown.

import { Asking } from "./asking.js";
import { Conversation } from "./conversation.js";
import { ask, kept, key } from "./server.js";
import { Services, nameOf } from "./services.js";
import { Sound, microphoneTrouble } from "./sound.js";
import { Talk } from "./talk.js";
import { TalkButton } from "./button.js";
import { Troubles } from "./troubles.js";
import { Voices, languageName } from "./voices.js";
import { Wave } from "./wave.js";

const PREROLL_FRAMES = 12; // 384 ms: people begin to speak as they press
const MOST_HELD_FRAMES = 300; // ten seconds, while the connection is being made
const SETTLE_MS = 400; // arrow keys run through voices

const LANGUAGES = "en de fr es it nl pl pt ru uk cs da fi el hi hu id ja ko no ro sv tr vi zh".split(" ");
const WORDS = {
  push: { off: "Ready", idle: "Ready", listening: "Listening; let go when done" },
  talk: { off: "Microphone off", idle: "Speak any time", listening: "Hearing you" },
  processing: "Thinking",
  responding: "Answering",
  connecting: "Connecting",
  lost: "Not connected",
};

const $ = (id) => document.getElementById(id);
const choices = Object.fromEntries(["mode", "voice", "language"].map((name) => [name, kept("localStorage", `voice.${name}`)]));

let link = "closed"; // closed, connecting, open, lost
let phase = "idle"; // what the gateway's turn machine is at
let pressMark = 0; // of the frames held back, how many came before the press
let pressed = false;
let pressTold = false;
let held = [];
let turn = 0;
let gap = null; // {turn, ms}: from the last speech to the first audible sample, here
let playback = null; // {id, turn, bytes, rate, complete}
let spoke = null; // whether there was a voice when the services were last looked at

const conversation = new Conversation($("conversation"), (text) => ($("announcer").textContent = text));
const troubles = new Troubles($("troubles"));
const wave = new Wave($("wave"), $("wave-words"));
const sound = new Sound({ heard, played, closed: microphoneClosed });
const talk = new Talk({ told, sounded, changed: linkChanged, refused: askForKey });
const asking = new Asking({ sound, conversation, troubles, show, refused: askForKey });
const button = new TalkButton($("talk"), { press, release, toggle, holds: () => mode() === "push" });
const voices = new Voices(
  { list: $("voice-list"), search: $("voice-search"), current: $("voice"), none: $("voice-none") },
  (name) => choose("voice", name),
  (name, from) => asking.hear(name, from),
);

const mode = () => document.querySelector("[name=mode]:checked").value;

function opening() {
  const { voice } = voices;
  const language = $("language").value;
  return { type: "start", mode: mode(), sample_rate: sound.rate, format: "s16le", voice, language, conversation: conversation.id };
}

// The microphone ------------------------------------------------------------------------------------------

async function listen() {
  try {
    await sound.open();
    await sound.listen();
  } catch (error) {
    troubles.tell("microphone", microphoneTrouble(error));
    return false;
  }
  troubles.end("microphone");
  return true;
}

function deafen() {
  sound.deafen();
  wave.clear();
  held = [];
}

function microphoneClosed(why) {
  deafen();
  if (why) troubles.tell("microphone", why);
  if (mode() === "talk" || phase === "idle") talk.close(); // others may want the room
  pressed = pressTold = false;
  show();
}

function heard({ pcm, level, at }) {
  const flows = talk.ready && (mode() === "talk" || pressTold);
  wave.push(level, at, flows || pressed);
  if (flows) {
    if (!talk.sendSound(pcm)) troubles.tell("slow", "The connection is too slow for the microphone; some of it is lost.");
    return;
  }
  held.push(pcm);
  const most = pressed ? MOST_HELD_FRAMES : PREROLL_FRAMES;
  const gone = held.splice(0, Math.max(0, held.length - most));
  pressMark = Math.max(0, pressMark - gone.length);
}

async function press() {
  pressed = true;
  pressMark = held.length;
  asking.stop();
  sound.clear(); // at once, and not only when the gateway says so
  show();
  if (!(await listen())) pressed = false;
  if (!pressed) return show();
  talk.open(opening());
  tellPress();
}

function tellPress() {
  if (!pressed || pressTold || !talk.ready) return;
  wave.sentLate(held.length);
  held.splice(0, pressMark).forEach((pcm) => talk.sendSound(pcm));
  talk.send({ type: "press" });
  held.splice(0).forEach((pcm) => talk.sendSound(pcm));
  pressMark = 0;
  pressTold = true;
  show();
}

function release() {
  if (pressTold) talk.send({ type: "release" });
  pressed = pressTold = false;
  sound.leaveSoon();
  show();
}

/** "Just talk", on and off. */
async function toggle() {
  if (sound.listening && link !== "closed") {
    deafen();
    talk.close();
    sound.clear();
  } else if (await listen()) {
    held = [];
    talk.open(opening());
  }
  show();
}

function stop() {
  talk.send({ type: "stop" });
  asking.stop();
  sound.clear();
}

// The gateway ---------------------------------------------------------------------------------------------

function linkChanged(state) {
  link = state;
  if (state === "lost") {
    const again = { label: "Try now", act: () => talk.hurry() };
    troubles.tell("link", "The connection to the gateway is lost; it is tried again.", again);
    sound.clear();
    pressTold = false;
  }
  if (state === "open" || state === "closed") troubles.end("link");
  if (state !== "open") phase = "idle";
  if (state === "connecting") {
    conversation.restart();
    wave.restart();
    gap = playback = null;
  }
  show();
}

const takes = {
  ready: tellPress,
  frame: ({ probability }) => wave.score(probability),
  state: ({ state }) => {
    phase = state;
  },
  speech_started: () => {
    troubles.end("turn");
    asking.stop(); // who speaks interrupts what was asked by hand, too
    wave.speechStarted();
  },
  speech_stopped: () => wave.speechStopped(),
  partial: (told) => conversation.change(told.turn, (it) => it.partial(told.text, told.stable)),
  transcript: (told) => {
    conversation.change(told.turn, (it) => it.transcript(told.text));
    conversation.announce(`You said: ${told.text}`);
  },
  answer_delta: (told) => conversation.change(told.turn, (it) => it.answered(it.answer + told.text)),
  answer: (told) => conversation.change(told.turn, (it) => it.answered(told.text)),
  audio_begin: (told) => {
    playback = { id: told.playback, turn, bytes: 0, rate: told.sample_rate, complete: false };
    sound.begin(told.playback, told.sample_rate);
  },
  audio_end: (told) => {
    if (playback?.id === told.playback) playback.complete = true;
    sound.end(told.playback);
  },
  audio_clear: (told) => sound.clear(told.playback),
  waterfall: (told) => conversation.times(told.turn, told.stages, gap?.turn === told.turn ? gap.ms : null),
  trouble: ({ text }) => (text ? troubles.tell("turn", text) : troubles.end("turn")),
  error: (told) => troubles.tell("turn", told.error?.message ?? "The gateway has failed."),
};

function told(message) {
  if (typeof message.turn === "number") turn = message.turn;
  takes[message.type]?.(message);
  show();
}

function sounded(pcm) {
  if (!playback) return;
  playback.bytes += pcm.byteLength;
  sound.push(playback.id, pcm);
}

/** A report of the player. */
function played({ type, id, ms, at }) {
  if (asking.played({ type, id, ms, at })) return show();
  if (type === "ended" || type === "cleared") talk.send({ type: "heard", playback: id, ms });
  if (playback?.id !== id) return;
  const { complete, bytes, rate } = playback;
  const it = conversation.turns.get(playback.turn);
  if (type === "audible" && wave.lastSpeechAt !== null && gap?.turn !== playback.turn) {
    gap = { turn: playback.turn, ms: Math.round(1000 * (at - wave.lastSpeechAt)) };
    if (it?.stages) conversation.times(playback.turn, it.stages, gap.ms);
  }
  if (type === "cleared") it?.cut();
  else if (type === "ended") it?.finished();
  else it?.heard(ms, complete ? (1000 * bytes) / 2 / rate : 0);
  if (type === "ended" || type === "cleared") playback = null;
  show();
}

// What is shown -------------------------------------------------------------------------------------------

function show() {
  const way = mode();
  const on = way === "push" ? pressed : sound.listening && link !== "closed";
  let state = phase;
  if (pressed && link === "open") state = "listening";
  if (asking.phase) state = asking.phase;
  if (link === "connecting" || link === "lost") state = link;
  if (!on && link === "closed" && !asking.phase) state = "off";
  document.body.dataset.state = state;
  document.body.dataset.mode = way;
  const words = WORDS[way][state] ?? WORDS[state];
  if ($("state").textContent !== words) $("state").textContent = words;
  button.show(on, way === "push" ? (on ? "Let go to send" : "Hold to talk") : on ? "Stop listening" : "Start talking");
  $("stop").disabled = !(phase === "processing" || phase === "responding" || playback || asking.phase);
  $("welcome").hidden = $("conversation").childElementCount > 0;
}

function askForKey(error) {
  $("key-why").textContent = key.get() ? error.message : ""; // who has given none needs no reason
  if (!$("key-dialog").open) $("key-dialog").showModal();
}

function choose(name, value) {
  choices[name].set(value);
  clearTimeout(choose.timer);
  choose.timer = setTimeout(() => talk.wanted && talk.open(opening()), SETTLE_MS);
}

async function loadVoices() {
  try {
    const { voices: found } = await (await ask("voices")).json();
    voices.show(found, choices.voice.get());
  } catch (error) {
    if (error.status === 401) askForKey(error);
  }
}

function servicesChanged(services) {
  if (services) {
    troubles.end("gateway");
    const away = services.filter(({ state }) => state !== "up").map(({ kind }) => nameOf(kind));
    const are = away.length > 1 ? "are" : "is";
    if (away.length) troubles.tell("services", `${away.join(" and ")} ${are} away. Start what is missing, or look into the gateway's log.`);
    else troubles.end("services");
    const speaks = services.some(({ kind, state }) => kind === "tts" && state === "up");
    if ((speaks || spoke === null) && !spoke && !$("key-dialog").open) loadVoices(); // first of all, for the key
    spoke = speaks;
  } else if (link !== "lost") {
    troubles.tell("gateway", "The gateway doesn't answer. Is it running? This page goes on asking.");
  }
}

function offerLanguages() {
  const named = LANGUAGES.map((code) => [languageName(code), code]);
  named.sort(([one], [other]) => one.localeCompare(other));
  $("language").append(...named.map(([name, code]) => new Option(name, code)));
  $("language").value = choices.language.get();
}

// What the person does ------------------------------------------------------------------------------------

document.querySelectorAll("[name=mode]").forEach((radio) => {
  radio.checked = radio.value === (choices.mode.get() || "push");
  radio.addEventListener("change", () => {
    choices.mode.set(radio.value);
    button.letGo();
    deafen();
    talk.close();
    sound.clear();
    show();
  });
});
$("language").addEventListener("change", () => choose("language", $("language").value));
$("stop").addEventListener("click", stop);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("stop").disabled) stop();
});
$("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("question").value.trim();
  if (!text) return;
  $("question").value = "";
  stop();
  asking.ask(text, { aloud: $("aloud").checked, voice: voices.voice, language: $("language").value });
});
$("key-form").addEventListener("submit", () => {
  key.set($("key").value.trim());
  $("key").value = "";
  loadVoices();
});
$("panel-button").addEventListener("click", () => {
  const open = $("panel-button").getAttribute("aria-expanded") !== "true";
  $("panel-button").setAttribute("aria-expanded", open);
});

offerLanguages();
new Services($("services"), $("health"), servicesChanged);
show();
