// Filters that show as one types, and stay in the address.
import { look } from "./patch.js";
import { showTimes } from "./time.js";

/// How long somebody has stopped typing when it is looked for.
const PAUSE = 250;

function address(form) {
  const url = new URL(form.action, location.href);
  for (const [name, value] of new FormData(form)) if (value) url.searchParams.append(name, value);
  return url;
}

/// What the filters leave: everything that comes after them.
function show(page, form) {
  const fresh = page.querySelector("form[data-instant]");
  if (!fresh) return;
  const fold = (one) => one.closest(".fold");
  const rest = (one) => {
    const all = [];
    for (let next = fold(one).nextElementSibling; next; next = next.nextElementSibling) all.push(next);
    return all;
  };
  for (const old of rest(form)) old.remove();
  fold(form).after(...rest(fresh).map((part) => document.importNode(part, true)));
  for (const part of document.querySelectorAll(".head [data-live]")) {
    const other = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other) part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
  }
  const banner = document.querySelector(".banner.then");
  const other = page.querySelector(".banner.then");
  banner?.remove();
  if (other) document.getElementById("main").prepend(document.importNode(other, true));
  document.body.dataset.scope = page.body.dataset.scope;
  showTimes();
  document.dispatchEvent(new CustomEvent("shiplog:shown"));
}

/// Says beside each field what the server says of it, and nothing where that is content.
function judge(page, form) {
  for (const place of form.querySelectorAll("[data-verdict]")) {
    const said = page.querySelector(`[data-verdict="${place.dataset.verdict}"]`)?.textContent ?? "";
    if (place.textContent !== said) place.textContent = said;
    const field = form.elements[place.dataset.verdict];
    if (said) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
}

let asked = null;

/// Shows the page at an address in the place of this one's.
export async function go(url, form) {
  asked?.abort();
  asked = new AbortController();
  const page = await look(url, asked.signal);
  history.replaceState(null, "", url);
  judge(page, form);
  show(page, form);
}

export function startSearch() {
  const form = document.querySelector("form[data-instant]");
  if (!form) return;
  let typed = null;
  const soon = (delay) => {
    clearTimeout(typed);
    typed = setTimeout(() => {
      if (!form.checkValidity()) return;
      go(address(form), form).catch((error) => {
        // What is half typed may be no time or name yet: the button says what is wrong with it.
        if (error.name === "AbortError") return;
        form.dataset.wrong = error.message;
        if (error.page) judge(error.page, form);
      });
    }, delay);
  };
  form.addEventListener("input", () => soon(PAUSE));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.assign(address(form));
  });
}
