// A way out is confirmed in a dialog: the page that its link leads to, over the one that has the link.
import { show } from "./modal.js";
import { showTimes } from "./time.js";

const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

async function ask(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { answer, main: page.getElementById("main") };
}

/// Puts what the page says into the dialog, without what is around every page.
function fill(dialog, main) {
  const parts = [...main.children].filter((part) => !part.matches("[data-live], #lost"));
  dialog.replaceChildren(...parts.map((part) => document.importNode(part, true)));
  dialog.querySelector("h1").id = "way-title";
  if (!dialog.querySelector("[data-cancel]")) {
    dialog.append(make("p", { className: "actions" }, make("button", { type: "button", textContent: "Close", autofocus: true, onclick: () => dialog.close() })));
  }
  showTimes(dialog);
}

/// The focus goes to what has to be known: what is wrong, what was said, or else to the harmless way on.
function attend(dialog) {
  const said = dialog.querySelector("[role=alert]");
  if (said) said.tabIndex = -1;
  const wrong = dialog.querySelector("[aria-invalid]") ?? said;
  if (wrong) return wrong.focus();
  // The facts come first, and the harmless way on has the focus although it stands below them.
  dialog.querySelector("[autofocus]")?.focus({ preventScroll: true });
  dialog.scrollTop = 0;
}

function lost(dialog) {
  dialog.querySelector("#unanswered")?.remove();
  const sign = make("span", { ariaHidden: "true", textContent: "▲" });
  const banner = make("p", { id: "unanswered", className: "banner warn", role: "alert" }, sign, " The server does not answer, so it is not known whether this was recorded. Sending it again records it once.");
  dialog.querySelector("header").after(banner);
}

/// What was typed stays when another release is looked at.
function keep(dialog, main) {
  for (const { name, value } of dialog.querySelectorAll("textarea, input:not([type])")) {
    const field = main.querySelector(`[name="${name}"]`);
    if (field && "defaultValue" in field) field.defaultValue = value;
  }
}

async function submitted(dialog, event) {
  event.preventDefault();
  const form = event.target;
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  const records = form.method === "post";
  if (dialog.hasAttribute("aria-busy")) return;
  dialog.setAttribute("aria-busy", "true");
  try {
    const { answer, main } = records ? await ask(form.action, { method: "POST", body: fields }) : await ask(`${form.action}?${fields}`);
    if (records && answer.redirected) return location.assign(answer.url);
    if (!records) keep(dialog, main);
    fill(dialog, main);
  } catch {
    lost(dialog);
  } finally {
    dialog.removeAttribute("aria-busy");
  }
  attend(dialog);
}

let opening = false;

async function open(link) {
  if (opening) return;
  opening = true;
  const { main } = await ask(link.href).finally(() => (opening = false));
  const dialog = make("dialog", { className: "confirm" });
  dialog.setAttribute("aria-labelledby", "way-title");
  fill(dialog, main);
  dialog.addEventListener("submit", (event) => submitted(dialog, event));
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-cancel]")) return;
    event.preventDefault();
    dialog.close();
  });
  // While it is not known what becomes of it, it does not go.
  dialog.addEventListener("cancel", (event) => dialog.hasAttribute("aria-busy") && event.preventDefault());
  show(dialog, link);
  attend(dialog);
}

function clicked(event) {
  const link = event.target.closest?.("a[data-way]");
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !plain || link.closest("dialog")) return;
  event.preventDefault();
  // Where the page cannot be had, the link leads to it as it does without scripts, and says why.
  open(link).catch(() => location.assign(link.href));
}

export function startWays() {
  if (typeof HTMLDialogElement !== "undefined") document.addEventListener("click", clicked);
}
