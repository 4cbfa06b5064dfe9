// The voices: to choose one, and to hear it first.

const languages = new Intl.DisplayNames(undefined, { type: "language", fallback: "code" });

/** "British English" for "en-GB". */
export function languageName(code) {
  try {
    return languages.of(code.replace("_", "-"));
  } catch {
    return code || "Other";
  }
}

function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

export class Voices {
  /** `elements`: {list, search, current, none}; `chosen(name)`, `hear(name, button)`. */
  constructor(elements, chosen, hear) {
    Object.assign(this, elements);
    this.chosen = chosen;
    this.hear = hear;
    this.voice = "";
    this.search.addEventListener("input", () => this.filter());
  }

  show(voices, voice) {
    this.voice = voices.some(({ name }) => name === voice) ? voice : "";
    const named = [...grouped(voices)].map(([code, members]) => [languageName(code), members]);
    named.sort(([one], [other]) => one.localeCompare(other));
    const rows = named.map(([language, members]) => this.group(language, members));
    this.list.replaceChildren(this.row({ name: "", description: "The server's own choice" }, ""), ...rows);
    this.tell();
    this.filter();
  }

  group(language, members) {
    const made = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = language;
    made.append(legend, ...members.map((voice) => this.row(voice, language)));
    return made;
  }

  row({ name, description }, language) {
    const row = document.createElement("div");
    row.className = "voice";
    row.dataset.words = plain(`${name} ${description ?? ""} ${language}`);
    const label = document.createElement("label");
    const radio = document.createElement("input");
    Object.assign(radio, { type: "radio", name: "voice", value: name, checked: name === this.voice });
    radio.addEventListener("change", () => {
      this.voice = name;
      this.tell();
      this.chosen(name);
    });
    const words = document.createElement("span");
    words.textContent = name || description;
    label.append(radio, words);
    row.append(label);
    if (description && name && plain(description) !== plain(name)) {
      const more = document.createElement("small");
      more.textContent = description;
      words.append(" ", more);
    }
    const hear = document.createElement("button");
    Object.assign(hear, { type: "button", textContent: "Hear" });
    hear.setAttribute("aria-label", `Hear ${name || "the server's own choice"}`);
    hear.addEventListener("click", () => this.hear(name, hear));
    row.append(hear);
    return row;
  }

  filter() {
    const wanted = plain(this.search.value).split(/\s+/);
    let found = 0;
    for (const row of this.list.querySelectorAll(".voice")) {
      row.hidden = !wanted.every((word) => row.dataset.words.includes(word));
      if (!row.hidden) found++;
    }
    for (const group of this.list.querySelectorAll("fieldset")) {
      group.hidden = !group.querySelector(".voice:not([hidden])");
    }
    this.none.hidden = found > 0;
  }

  tell() {
    this.current.textContent = this.voice || "server's choice";
  }
}

/** The voices of each language. */
function grouped(voices) {
  const groups = new Map();
  for (const voice of voices) groups.set(voice.language, [...(groups.get(voice.language) ?? []), voice]);
  return groups;
}
