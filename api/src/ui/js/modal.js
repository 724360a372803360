// Dialogs hold the focus, and give it back when they close.

const STOPS = "a[href], button, input:not([type=hidden]), select, textarea, summary";

/// Leads from the last stop to the first, and back: the page behind is out of reach.
function wrap(event) {
  if (event.key !== "Tab") return;
  const dialog = event.currentTarget;
  const stops = [...dialog.querySelectorAll(STOPS)].filter((stop) => !stop.disabled && (stop.checkVisibility?.() ?? true));
  const [first, last] = event.shiftKey ? [stops.at(-1), stops[0]] : [stops[0], stops.at(-1)];
  if (!first || (document.activeElement !== last && dialog.contains(document.activeElement) && document.activeElement !== dialog)) return;
  event.preventDefault();
  first.focus();
}

/// Shows a dialog until it is closed; the focus goes back to where it was opened.
export function show(dialog, opener = document.activeElement) {
  dialog.addEventListener("keydown", wrap);
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus?.();
    document.dispatchEvent(new CustomEvent("shiplog:closed"));
  });
  document.body.append(dialog);
  dialog.showModal();
}
