// What is wrong, in words, for as long as it is; one line for each cause.

export class Troubles {
  constructor(place) {
    this.place = place;
    this.lines = new Map();
  }

  /** `remedy`: {label, act}, a button. */
  tell(cause, text, remedy = null) {
    const have = this.lines.get(cause);
    if (have) {
      have.firstChild.textContent = text;
      return;
    }
    const line = document.createElement("p");
    line.className = "trouble";
    const words = document.createElement("span");
    words.textContent = text;
    line.append(words);
    if (remedy) line.append(this.button(remedy.label, remedy.act));
    const close = this.button("×", () => this.end(cause));
    close.className = "close";
    close.setAttribute("aria-label", "Dismiss");
    line.append(close);
    this.place.append(line);
    this.lines.set(cause, line);
  }

  end(cause) {
    this.lines.get(cause)?.remove();
    this.lines.delete(cause);
  }

  button(label, act) {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", textContent: label });
    made.addEventListener("click", act);
    return made;
  }
}
