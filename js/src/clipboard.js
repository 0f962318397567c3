// Copies a text to the clipboard; false if the browser does not allow it.
export async function copyToClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byCommand(text);
  }
}

// Pages without HTTPS have no clipboard API.
function byCommand(text) {
  const held = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.style.cssText = "position:fixed;top:0;opacity:0";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  held?.focus({ preventScroll: true });
  return done;
}
