// Everything by keyboard: `/` searches, `?` explains, `j` and `k` walk, `g` and a letter go places.
import { show } from "./modal.js";

const KEY = "shiplog-keys";
const PLACES = { b: "/", h: "/history", r: "/rollbacks", v: "/releases", e: "/environments", l: "/log", p: "/projections" };
const HELP = [
  ["/", "search"], ["?", "this help"], ["j", "the next row"], ["k", "the row before"], ["Enter", "open the row"],
  ["g b", "board"], ["g h", "history"], ["g r", "rollbacks"], ["g v", "releases"], ["g e", "environments"], ["g l", "log"], ["g p", "projections"],
];

let going = 0;

const on = () => {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
};
const typing = (node) => node.closest("input, textarea, select, [contenteditable]") !== null;

function step(by) {
  const rows = [...document.querySelectorAll("[data-item]")].filter((row) => row.checkVisibility?.() ?? true);
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.hasAttribute("data-current"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  for (const row of rows) row.toggleAttribute("data-current", row === next);
  next.querySelector("a")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function help() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = Object.assign(document.createElement("h2"), { id: "keys-title", textContent: "Keys" });
  const list = document.createElement("dl");
  for (const [keys, what] of HELP) {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    list.append(term, Object.assign(document.createElement("dd"), { textContent: what }));
  }
  const label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: on() });
  box.addEventListener("change", () => localStorage.setItem(KEY, box.checked ? "on" : "off"));
  label.append(box, " Single keys do this (in this browser)");
  const close = Object.assign(document.createElement("button"), { textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  const last = document.createElement("p");
  last.append(label);
  dialog.append(title, list, last, close);
  show(dialog);
  close.focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  const gone = Date.now() - going < 1500;
  if (event.key === "?") return help();
  if (!on()) return;
  if (gone && PLACES[event.key]) return location.assign(PLACES[event.key]);
  going = 0;
  switch (event.key) {
    case "/":
      event.preventDefault();
      [...document.querySelectorAll("#q, #find")].reverse().find((field) => field.checkVisibility?.() ?? true)?.focus();
      break;
    case "g":
      going = Date.now();
      break;
    case "j":
      step(1);
      break;
    case "k":
      step(-1);
      break;
    default:
  }
}

export function startKeys() {
  document.addEventListener("keydown", pressed);
  const place = document.getElementById("likes");
  if (!place) return;
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Keys (?)" });
  button.addEventListener("click", help);
  place.append(" ", button);
}
