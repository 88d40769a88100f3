// Elements from tag, properties and children. Text is always a text node, so that nothing in a run's files becomes markup.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

export function say(text) {
  document.getElementById("said").textContent = text;
}

// A line under a form: what went wrong, or what was done.
export function note(kind, ...content) {
  return h("p", { class: `note ${kind}`, role: kind === "bad" ? "alert" : "status" }, content);
}
