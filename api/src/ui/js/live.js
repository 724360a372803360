// Live pages: told of each event, a page looks at itself again. Grids change in place; lists say
// that there is something new, and do not move by themselves.
import { follow } from "./stream.js";
import { look, take } from "./patch.js";
import { showTimes, said } from "./time.js";

/// A page looks again at most this often.
const PACE = 1000;

/// Things are said aloud at most this often.
const QUIET = 5000;

const body = document.body;
const pulse = document.getElementById("pulse");
const lost = document.getElementById("lost");
let paused = false;
let live = null;
let since = null;
let waiting = null;
let missed = false;
let spoken = 0;

const concerns = (stream) => body.dataset.scope === "*" || body.dataset.scope === stream;

/// After which position this page needs to be told; one that is behind looks again anyway.
const after = () => (body.hasAttribute("data-behind") ? null : body.dataset.position);

function connect(hear) {
  if (typeof SharedWorker === "undefined") {
    follow(hear, after());
    return;
  }
  const worker = new SharedWorker(new URL("stream.js", import.meta.url), { type: "module", name: "shiplog" });
  worker.port.onmessage = ({ data }) => hear(data);
  worker.port.start();
  worker.port.postMessage({ after: after() });
  window.addEventListener("pagehide", () => worker.port.postMessage("bye"));
  // A page that comes back out of the browser's memory has left the worker.
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
}

function state() {
  const word = paused ? "paused" : live ? "live" : live === false ? "reconnecting" : "connecting";
  const now = paused ? "paused" : live === false ? "lost" : "live";
  pulse.hidden = !body.dataset.scope;
  if (pulse.dataset.state === now && pulse.dataset.word === word) return;
  pulse.dataset.state = now;
  pulse.dataset.word = word;
  pulse.firstChild.data = word;
  pulse.lastChild.textContent = paused ? "Resume" : "Pause";
  lost.hidden = live !== false;
  if (live === false) lost.textContent = `▲ The connection to the server is lost since ${said(since)}. What stands here is what was known then; it mends itself when the server is back.`;
}

const keys = (root) => new Set([...root.querySelectorAll("[data-list] [data-key]")].map((row) => row.dataset.key));

function news(page) {
  const list = document.querySelector("[data-list]");
  const place = document.querySelector("[data-news]");
  if (!list || !place) return;
  const before = keys(document);
  const added = [...keys(page)].filter((key) => !before.has(key)).length;
  if (added === 0) return;
  const button = document.createElement("button");
  button.textContent = `${added} new: show`;
  button.addEventListener("click", () => {
    list.replaceWith(document.importNode(page.querySelector("[data-list]"), true));
    place.hidden = true;
    showTimes();
    document.getElementById("main").focus({ preventScroll: true });
  });
  // A reader of the screen is not told each time.
  place.setAttribute("aria-live", Date.now() - spoken > QUIET ? "polite" : "off");
  spoken = Date.now();
  place.replaceChildren(button);
  place.hidden = false;
}

async function again() {
  waiting = null;
  // Nothing moves behind an open dialog either, and what opened it is there when it closes.
  if (document.hidden || document.querySelector("dialog[open]")) {
    missed = true;
    return;
  }
  missed = false;
  try {
    const page = await look(location.href);
    take(page);
    news(page);
    // A read model that catches up says nothing when it has: it is looked at until it has.
    body.toggleAttribute("data-behind", page.body.hasAttribute("data-behind"));
    if (body.hasAttribute("data-behind")) soon();
  } catch {
    // The stream says when the server is back, and then it looks again.
  }
}

function soon() {
  if (!paused && waiting === null) waiting = setTimeout(again, PACE);
  if (paused) missed = true;
}

function hear(message) {
  if (message.kind === "state") {
    const back = message.live && live === false;
    if (!message.live && live !== false) since = Date.now();
    live = message.live;
    state();
    if (back) soon();
    return;
  }
  if (message.kind === "missed" || concerns(message.stream)) soon();
}

export function startLive() {
  // Where an instant can be chosen, a page of the past can become one of the present.
  if (!body.dataset.scope && !document.querySelector("form[data-instant]")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", () => {
    paused = !paused;
    state();
    if (!paused && missed) soon();
  });
  pulse.replaceChildren(document.createTextNode(""), button);
  state();
  connect(hear);
  if (body.hasAttribute("data-behind")) soon();
  document.addEventListener("shiplog:shown", state);
  document.addEventListener("shiplog:closed", () => missed && soon());
  document.addEventListener("visibilitychange", () => !document.hidden && missed && soon());
}
