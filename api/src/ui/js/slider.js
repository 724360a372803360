// The board as it was: a slider over a while, and a button that plays it.
import { go } from "./search.js";
import { said } from "./time.js";

const HOUR = 3_600_000;
const SPANS = [["an hour", HOUR], ["six hours", 6 * HOUR], ["a day", 24 * HOUR], ["a week", 168 * HOUR], ["30 days", 720 * HOUR], ["a year", 8760 * HOUR]];
const STEPS = 240;

const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

export function startSlider() {
  const place = document.getElementById("slider");
  const form = document.querySelector("form[data-instant]");
  if (!place || !form) return;
  const at = form.elements.namedItem("at");
  const play = make("button", { type: "button", textContent: "▶ Play" });
  const span = make("select", { id: "span" });
  for (const [name, ms] of SPANS) span.append(new Option(`the last ${name.replace(/^an? /, "")}`, ms));
  span.value = String(24 * HOUR);
  const label = make("label", { htmlFor: "span", textContent: "Time", className: "unseen" });
  const range = make("input", { type: "range", min: 0, max: STEPS, value: STEPS });
  range.setAttribute("aria-label", "The instant that the board shows");
  const output = make("output");
  place.append(play, label, span, range, output);
  place.hidden = false;

  let end = Date.now();
  let playing = false;
  const instant = () => end - ((STEPS - Number(range.value)) / STEPS) * Number(span.value);
  const say = () => {
    const now = Number(range.value) === STEPS;
    output.textContent = now ? "now" : said(instant());
    range.setAttribute("aria-valuetext", output.textContent);
  };
  const address = () => {
    const url = new URL(location.href);
    url.searchParams.delete("at");
    const text = Number(range.value) === STEPS ? "" : new Date(Math.round(instant() / 1000) * 1000).toISOString().replace(".000Z", "Z");
    if (text) url.searchParams.set("at", text);
    at.value = text;
    return url;
  };
  const show = () => {
    say();
    return go(address(), form).catch(() => {});
  };
  const stop = () => {
    playing = false;
    play.textContent = "▶ Play";
  };

  if (at.value) {
    const asked = Date.parse(at.value);
    const fits = SPANS.find(([, ms]) => end - asked <= ms) ?? SPANS.at(-1);
    span.value = String(fits[1]);
    range.value = String(Math.max(0, Math.round(STEPS - ((end - asked) / fits[1]) * STEPS)));
    output.textContent = said(asked);
  } else {
    say();
  }
  range.addEventListener("input", () => {
    stop();
    show();
  });
  span.addEventListener("change", () => {
    end = Date.now();
    if (Number(range.value) !== STEPS) show();
  });
  play.addEventListener("click", async () => {
    if (playing) return stop();
    playing = true;
    play.textContent = "‖ Pause";
    end = Date.now();
    if (Number(range.value) === STEPS) range.value = "0";
    while (playing && Number(range.value) < STEPS) {
      range.value = String(Number(range.value) + 2);
      await show();
      await new Promise((next) => setTimeout(next, 120));
    }
    stop();
  });
}
