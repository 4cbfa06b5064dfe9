// The talk button: held by a finger, a mouse or the space bar; or tapped, once to begin and once to end.

const TAP_MS = 300; // shorter is a tap, which holds on until the next one

export class TalkButton {
  /** `holds()`: whether it is to be held; else `toggle()` is called for each press. */
  constructor(element, { press, release, toggle, holds }) {
    Object.assign(this, { element, press, release, toggle, holds });
    this.since = null; // when it went down
    this.latched = false; // by a tap
    element.addEventListener("pointerdown", (event) => this.pointerDown(event));
    element.addEventListener("pointerup", () => this.up());
    element.addEventListener("pointercancel", () => this.letGo());
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("click", (event) => this.click(event));
    addEventListener("keydown", (event) => this.keyDown(event));
    addEventListener("keyup", (event) => this.keyUp(event));
    addEventListener("blur", () => this.letGo());
  }

  show(on, label) {
    this.element.setAttribute("aria-pressed", on);
    const words = this.element.querySelector("span");
    if (words.textContent !== label) words.textContent = label;
  }

  pointerDown(event) {
    if (!this.holds() || event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.down();
  }

  keyDown(event) {
    if (event.key !== " " || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const at = document.activeElement;
    const elsewhere = at && at !== document.body && at !== this.element && at.closest("input, select, textarea, button, summary, a, dialog");
    if (elsewhere || document.querySelector("dialog[open]")) return;
    event.preventDefault(); // neither a scrolled page nor a click
    if (this.holds()) this.down();
    else this.toggle();
  }

  keyUp(event) {
    if (event.key !== " " || !this.holds() || this.since === null) return;
    event.preventDefault();
    this.up();
  }

  /** The Enter key and screen readers click without a pointer. */
  click(event) {
    if (!this.holds()) this.toggle();
    else if (event.detail === 0) {
      if (this.latched) this.letGo();
      else {
        this.latched = true;
        this.press();
      }
    }
  }

  down() {
    if (this.latched) {
      this.letGo();
      return;
    }
    this.since = performance.now();
    this.press();
  }

  up() {
    if (this.since === null) return;
    const tapped = performance.now() - this.since < TAP_MS;
    this.since = null;
    if (tapped) this.latched = true;
    else this.release();
  }

  /** It is not held any more, whatever happened. */
  letGo() {
    const on = this.since !== null || this.latched;
    this.since = null;
    this.latched = false;
    if (on) this.release();
  }
}
