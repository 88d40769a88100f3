// What is seen as one HTML file: without scripts, requests and links, with everything that the runs hold as text.

import { h } from "./dom.js";
import { language, t } from "./strings.js";

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
const ELEMENTS = new Set("main section article div p span strong b em small code h1 h2 h3 h4 ul ol li dl dt dd figure figcaption table caption thead tbody tr th td details summary output".split(" "));
const ATTRIBUTES = ["class", "lang", "role", "aria-label", "aria-hidden", "scope", "tabindex"];
const FIELDS = { checkbox: (input) => (input.checked ? "☑" : "☐"), radio: (input) => (input.checked ? "◉" : "○") };
const STYLE = ".time { position: static; } main, footer { padding: 1rem; }";

// Offer the page that is seen as a file.
export function savePage() {
  const name = document.title.replace(/^Sparring/, "").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 80);
  const address = URL.createObjectURL(new Blob([pageAsFile()], { type: "text/html" }));
  h("a", { href: address, download: `${["sparring", name].filter(Boolean).join("-")}.html` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function pageAsFile() {
  const main = document.getElementById("main");
  main.querySelectorAll("details").forEach((one) => one.dispatchEvent(new Event("complete")));
  const page = document.implementation.createHTMLDocument(document.title);
  page.documentElement.lang = language();
  page.documentElement.dataset.theme = document.documentElement.dataset.theme;
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText);
  page.head.prepend(
    h("meta", { charset: "utf-8" }),
    h("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
    h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
  );
  const when = new Date().toLocaleString(language(), { dateStyle: "long", timeStyle: "short" });
  page.body.append(...copied(main), h("footer", {}, h("p", {}, t("save.when", { when }))));
  const style = `<style>${[...rules, STYLE].join("\n")}</style>`; // this page's own policy would refuse the element
  return `<!doctype html>\n${page.documentElement.outerHTML.replace("</head>", () => `${style}</head>`)}\n`;
}

// A node as it stands in the file: none, itself, or what is in it. `data-live` marks what only works in the page.
function copied(node) {
  if (node.nodeType === Node.TEXT_NODE) return [node.data];
  if (node.nodeType !== Node.ELEMENT_NODE || node.hidden || "live" in node.dataset) return [];
  const tag = node.localName;
  if (tag === "svg") return [drawing(node)];
  if (tag === "img" || tag === "canvas") return picture(node);
  if (tag === "select") return [h("b", {}, node.selectedOptions[0]?.text ?? "")];
  if (tag === "input") return [h("b", {}, FIELDS[node.type]?.(node) ?? node.value)];
  if (tag === "button") return node.classList.contains("plain") ? [`${node.textContent} `] : [];
  const inside = [...node.childNodes].flatMap(copied);
  if (!ELEMENTS.has(tag) || /^u(plot|-)/.test(node.className)) return inside; // of a chart its picture alone
  if (!inside.length && !node.classList.contains("swatch")) return [];
  const attributes = ATTRIBUTES.filter((name) => node.hasAttribute(name)).map((name) => [name, node.getAttribute(name)]);
  return [h(tag, { ...Object.fromEntries(attributes), open: Boolean(node.open) }, inside)];
}

function drawing(svg) {
  const copy = svg.cloneNode(true);
  copy.querySelectorAll("a").forEach((link) => link.replaceWith(...link.childNodes));
  return copy;
}

// A picture or a canvas as data.
function picture(node) {
  const drawn = node.localName === "canvas";
  const [width, height] = drawn ? [node.width, node.height] : [node.naturalWidth, node.naturalHeight];
  if (!width || !height || (!drawn && !node.complete)) return [];
  const canvas = h("canvas", { width, height });
  canvas.getContext("2d").drawImage(node, 0, 0);
  const alt = node.alt ?? node.closest("[aria-label]")?.getAttribute("aria-label") ?? "";
  return [h("img", { src: canvas.toDataURL(), alt, width: drawn ? node.clientWidth : null })];
}
