// Requests to the server that served the page, and its one stream.

import { fill } from "./dom.js";
import { t } from "./strings.js";

// In a notebook's frame there is no cookie: the token stands behind the # of the address, and is kept here alone.
const token = location.pathname === "/frame" ? location.hash.slice(1) : "";
if (token && window.top === window) location.replace(`/?${new URLSearchParams([...new URLSearchParams(location.search), ["token", token]])}`);
else if (token) history.replaceState(null, "", location.pathname + location.search);

function ask(path, options = {}) {
  return fetch(path, token ? { ...options, headers: { "x-sparring-token": token } } : options);
}

export async function get(path, query = {}) {
  return answer(await ask(path + (Object.keys(query).length ? `?${new URLSearchParams(query)}` : "")));
}

export async function post(path, body) {
  return answer(await ask(path, { method: "POST", body: JSON.stringify(body) }));
}

// Show a picture of the server's in an <img>; in a frame by way of memory, since an <img> sends no header.
export async function showImage(image, address) {
  if (image.dataset.address === address) return image;
  image.dataset.address = address;
  if (!token) image.src = address;
  else {
    const blob = await (await ask(address)).blob();
    if (image.dataset.address !== address) return image; // another one has been asked for since
    image.src = URL.createObjectURL(blob);
    image.onload = () => URL.revokeObjectURL(image.src);
  }
  return image;
}

async function answer(response) {
  const text = await response.text();
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    found = { error: text.trim() };
  }
  if (!response.ok) throw new Error(found.error || response.statusText);
  return found;
}

// The rows of all runs by id, kept up to date by the stream's event `runs`; the run that changed last comes first.
export class Rows extends Map {
  take({ rows, gone }) {
    gone.forEach((id) => this.delete(id));
    rows.forEach((row) => this.set(row.id, row));
    return [...this.values()].sort((a, b) => b.changed - a.changed || a.name.localeCompare(b.name));
  }
}

// The address of a run's picture.
export function pictureOf(run, name) {
  return `/api/runs/${run}/pictures/${encodeURIComponent(name)}`;
}

const QUIET = 15000; // ms between two looks at the state while the page is hidden
const AGAIN = 2000; // ms until the server is asked again

// The server's events as long as the page is seen; hidden, it asks from time to time, for its title.
// `at()`: how far each run has been read; `on`: handlers by kind of event; `quiet`: called while hidden.
export class Stream {
  constructor(at, on, quiet) {
    Object.assign(this, { at, on, quiet });
    this.turn = () => (document.hidden ? this.hide() : this.open());
    document.addEventListener("visibilitychange", this.turn);
    this.turn();
  }

  // Not by EventSource, which sends no header.
  async open() {
    this.hide();
    clearInterval(this.timer);
    const { signal } = (this.source = new AbortController());
    while (!signal.aborted) {
      try {
        await this.read(signal);
      } catch {
        // the server has ended, or this page goes
      }
      if (signal.aborted) return;
      this.tell(false);
      await new Promise((done) => setTimeout(done, AGAIN));
    }
  }

  async read(signal) {
    const at = Object.entries(this.at()).map(([run, offset]) => `${run}:${offset}`);
    const { ok, body } = await ask(`/api/stream?${new URLSearchParams({ at: at.join(",") })}`, { signal });
    if (!ok) return;
    this.tell(true);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const events = (text + part.value).split("\n\n");
      text = events.pop();
      events.forEach((event) => this.take(event));
    }
  }

  take(event) {
    const fields = Object.fromEntries(event.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
    this.on[fields.event]?.(JSON.parse(fields.data));
  }

  // A line above the page while the server does not answer; it is asked again.
  tell(answers) {
    fill(document.getElementById("gone"), t("gone")).hidden = answers;
  }

  hide() {
    this.source?.abort();
    clearInterval(this.timer);
    this.timer = setInterval(this.quiet, QUIET);
  }

  close() {
    document.removeEventListener("visibilitychange", this.turn);
    clearInterval(this.timer);
    this.source?.abort();
  }
}
