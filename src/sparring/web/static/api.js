// Requests to the server that served the page, and its one stream.

import { fill } from "./dom.js";
import { t } from "./strings.js";

export async function get(path, query = {}) {
  return answer(await fetch(path + (Object.keys(query).length ? `?${new URLSearchParams(query)}` : "")));
}

export async function post(path, body) {
  return answer(await fetch(path, { method: "POST", body: JSON.stringify(body) }));
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

// Server-sent events as long as the page is seen; hidden, it asks from time to time, for its title.
// `at()`: how far each run has been read; `on`: handlers by kind of event; `quiet`: called while hidden.
export class Stream {
  constructor(at, on, quiet) {
    Object.assign(this, { at, on, quiet });
    this.turn = () => (document.hidden ? this.hide() : this.open());
    document.addEventListener("visibilitychange", this.turn);
    this.turn();
  }

  open() {
    clearInterval(this.timer);
    this.source?.close();
    const at = Object.entries(this.at()).map(([run, offset]) => `${run}:${offset}`);
    this.source = new EventSource(`/api/stream?${new URLSearchParams({ at: at.join(",") })}`);
    this.source.onopen = () => this.tell(true);
    this.source.onerror = () => this.tell(false);
    for (const [kind, handle] of Object.entries(this.on)) {
      this.source.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
    }
  }

  // A line above the page while the server does not answer; the browser asks again by itself.
  tell(answers) {
    fill(document.getElementById("gone"), t("gone")).hidden = answers;
  }

  hide() {
    this.source?.close();
    this.source = null;
    clearInterval(this.timer);
    this.timer = setInterval(this.quiet, QUIET);
  }

  close() {
    document.removeEventListener("visibilitychange", this.turn);
    clearInterval(this.timer);
    this.source?.close();
  }
}
