// The page's words in the chosen language.

let strings = {};
let language = "en";
const changed = [];

export function setUpWords(all, preferred) {
  strings = all;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => speak(button.dataset.language));
  }
  speak(preferred.toLowerCase().startsWith("ko") ? "ko" : "en");
}

/** The text of this name, with {…} replaced. */
export function words(name, values = {}) {
  return strings[language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Call again whenever the language changes, and now. */
export function inWords(update) {
  changed.push(update);
  update();
}

/** A number as the language writes it. */
export function number(value, digits = 1) {
  return value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  }
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = words(element.dataset.words);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words(element.dataset.label));
  }
  changed.forEach((update) => update());
}
