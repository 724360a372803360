// A page looked at again: what differs is put in place, and nothing else moves.
import { showTimes } from "./time.js";

/// Fetches a page; an error is thrown, also for an answer that is a no, which goes with it.
export async function look(url, signal) {
  const answer = await fetch(url, { headers: { Accept: "text/html" }, signal });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok) throw Object.assign(new Error(`${answer.status}`), { page });
  showTimes(page);
  return page;
}

const shape = (node) => `${node.tagName} ${node.dataset?.key ?? ""} ${node.children.length}`;
const alike = (one, other) => one.children.length > 0 && one.tagName === other.tagName && one.children.length === other.children.length && [...one.children].every((child, at) => shape(child) === shape(other.children[at]));
const text = (node) => [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE).map((child) => child.data.trim()).join("|");

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "data-current" && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
}

/// Makes `old` what `fresh` is, from the outside in, and leaves alone what is the same.
export function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (alike(old, fresh) && text(old) === text(fresh)) {
    attributes(old, fresh);
    const pairs = [...old.children].map((child, at) => [child, fresh.children[at]]);
    for (const [child, other] of pairs) patch(child, other);
    return;
  }
  const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const made = document.importNode(fresh, true);
  if (!["THEAD", "TBODY", "TABLE"].includes(made.tagName)) made.classList.add("fresh");
  old.replaceWith(made);
  if (focused) [...made.querySelectorAll("a")].concat(made).find((link) => link.getAttribute?.("href") === focused)?.focus({ preventScroll: true });
}

/// Puts every live part of a page that was looked at again in its place. A page that has parts now
/// which it had not is another page: it is loaded anew.
export function take(page) {
  for (const fresh of page.querySelectorAll("[data-live]")) {
    if (!document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`)) return location.reload();
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (fresh) patch(part, fresh);
  }
}
