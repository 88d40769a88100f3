// What the page shows, as its address: reloading, sending and going back give the same.

const listeners = [];

export function get(name, otherwise = null) {
  return new URLSearchParams(location.search).get(name) ?? otherwise;
}

export function list(name) {
  return (get(name, "") || "").split(",").filter(Boolean);
}

// Change some names; null takes one away. `view` makes a new page, to which "back" returns.
export function set(changes, { view = false } = {}) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "" || value === undefined) query.delete(name);
    else query.set(name, value);
  }
  const address = query.size ? `${location.pathname}?${query}` : location.pathname;
  if (view) {
    history.pushState(null, "", address);
    listeners.forEach((listener) => listener());
  } else history.replaceState(null, "", address);
}

// Another view, of which only language and look stay.
export function go(view) {
  const kept = { lang: get("lang"), look: get("look") };
  history.pushState(null, "", location.pathname);
  set({ ...kept, ...view }, { view: false });
  listeners.forEach((listener) => listener());
}

export function onView(listener) {
  listeners.push(listener);
  addEventListener("popstate", listener);
}
