// How the page asks the gateway: one key, one way to say what went wrong.

/** What is kept under a name; a browser that keeps nothing for this page has it forgotten at once. */
export function kept(storage, name) {
  try {
    const store = globalThis[storage];
    return { get: () => store.getItem(name) ?? "", set: (value) => store.setItem(name, value) };
  } catch {
    let value = "";
    return { get: () => value, set: (other) => (value = other) };
  }
}

export const key = kept("sessionStorage", "api-key");

/** What the gateway refused; `status` 0: it could not be reached. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The answer to a request; raises Refused with words for a person. */
export async function ask(path, body, signal) {
  const headers = key.get() ? { Authorization: `Bearer ${key.get()}` } : {};
  const options = { headers, signal };
  if (body) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  }
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The gateway can't be reached.");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => null);
  throw new Refused(response.status, told?.error?.message ?? `The gateway answered ${response.status}.`);
}

/** The address of a WebSocket beside this page. */
export function socketAt(path) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

/** The pieces of a WAV stream's sound: first `{rate}`, then ArrayBuffers of 16-bit PCM. */
export async function* wavPieces(response) {
  const reader = response.body.getReader();
  let rest = new Uint8Array();
  let begun = false;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest = joined(rest, value);
    if (!begun) {
      const header = wavHeader(rest);
      if (!header) continue;
      yield { rate: header.rate };
      rest = rest.slice(header.size);
      begun = true;
    }
    const whole = rest.length - (rest.length % 2);
    if (whole) yield rest.slice(0, whole).buffer;
    rest = rest.slice(whole);
  }
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** `{rate, size}` of a header that is complete, else null. */
function wavHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let rate = 0;
  for (let at = 12; at + 8 <= bytes.length; at += 8 + view.getUint32(at + 4, true)) {
    const name = String.fromCharCode(...bytes.subarray(at, at + 4));
    if (name === "fmt " && at + 16 <= bytes.length) rate = view.getUint32(at + 12, true);
    if (name === "data") return { rate, size: at + 8 };
  }
  return null;
}
