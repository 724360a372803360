// Times: relative where that says more, absolute in the zone that somebody chose, which is stated.

const KEY = "shiplog-zone";
const DAY = 86_400_000;

const stored = () => {
  try {
    return localStorage.getItem(KEY) || "local";
  } catch {
    return "local";
  }
};

let zone = stored();

const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const name = () => (zone === "local" ? here() : zone);

let absolute;
let shorter;

function formats() {
  const timeZone = name();
  const common = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone };
  const make = (options) => {
    try {
      return new Intl.DateTimeFormat("sv-SE", options);
    } catch {
      zone = "UTC";
      return new Intl.DateTimeFormat("sv-SE", { ...options, timeZone: "UTC" });
    }
  };
  absolute = make({ ...common, second: "2-digit" });
  shorter = make(common);
}

/// How long before `now` it was, in one unit; nothing for what is older than a day.
export function ago(at, now) {
  const ms = now - at;
  const ahead = ms < 0;
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (Math.abs(ms) >= DAY) return null;
  const [count, unit] = seconds < 60 ? [seconds, "s"] : seconds < 3600 ? [Math.floor(seconds / 60), "min"] : [Math.floor(seconds / 3600), "h"];
  if (count === 0) return "now";
  return ahead ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

export const said = (at) => `${shorter.format(at)}`;

function show(time, now) {
  const at = Date.parse(time.dateTime);
  if (Number.isNaN(at)) return;
  const text = ago(at, now) || shorter.format(at);
  if (time.textContent !== text) time.textContent = text;
  // Once told, it stays with the element, and has to be told anew for another zone.
  if (time.title) time.title = whole(time);
}

const whole = (time) => `${absolute.format(Date.parse(time.dateTime))} ${name()}`;

/// The absolute time of what a pointer rests on; of hundreds, hardly one is ever asked for.
function explain({ target }) {
  const time = target.closest?.("time");
  if (time && !Number.isNaN(Date.parse(time.dateTime))) time.title = whole(time);
}

/// The absolute times of what has the focus, for who has no pointer to rest on them.
function spell({ target, type }) {
  const place = target.closest?.(".board td, .list tr, li, p, dd");
  if (!place) return;
  const now = Date.now();
  for (const time of place.querySelectorAll("time")) {
    if (Number.isNaN(Date.parse(time.dateTime))) continue;
    if (type === "focusin" && target.matches(":focus-visible")) time.textContent = whole(time);
    else show(time, now);
  }
}

/// Shows every time of a part of the page as it is read here and now.
export function showTimes(root = document) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time")) show(time, now);
}

function choose(next) {
  zone = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // It holds for this page then.
  }
  formats();
  state();
  showTimes();
}

function state() {
  const place = document.getElementById("zone-said");
  if (place) place.textContent = `Times are in ${name()}.`;
}

function chooser() {
  const place = document.getElementById("likes");
  if (!place) return;
  const label = document.createElement("label");
  const select = document.createElement("select");
  select.id = "zone";
  label.htmlFor = "zone";
  label.textContent = "Time zone ";
  const offer = (zones) => {
    const options = zones.map((value) => new Option(value === "local" ? `local (${here()})` : value, value));
    select.replaceChildren(...options);
    select.value = zone;
  };
  const few = [...new Set(["local", "UTC", zone])];
  offer(few);
  // All four hundred, once somebody is about to choose.
  const all = () => {
    if (select.length === few.length) offer([...new Set([...few, ...(Intl.supportedValuesOf?.("timeZone") ?? [])])]);
  };
  for (const kind of ["focus", "pointerenter"]) select.addEventListener(kind, all, { once: true });
  select.addEventListener("change", () => choose(select.value));
  place.append(label, select);
  place.hidden = false;
}

export function startTimes() {
  formats();
  state();
  chooser();
  showTimes();
  setInterval(() => showTimes(), 10_000);
  document.addEventListener("pointerover", explain);
  document.addEventListener("focusin", spell);
  document.addEventListener("focusout", spell);
  document.addEventListener("visibilitychange", () => document.hidden || showTimes());
  window.addEventListener("beforeprint", () => {
    for (const time of document.querySelectorAll("time")) time.textContent = said(Date.parse(time.dateTime));
  });
  window.addEventListener("afterprint", () => showTimes());
}
