// Elements without markup: every text goes in as text, never as HTML.

export function element(tag, classes = "", ...children) {
  const made = document.createElement(tag);
  made.className = classes;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function button(action, press) {
  const made = element("button", `syndb-button syndb-do-${action.do}`, action.text);
  made.type = "button";
  made.disabled = Boolean(action.disabled);
  made.title = action.title ?? "";
  made.addEventListener("click", () => press(action, made));
  return made;
}

// Puts text into an element only where it changes, so that a selection or an animation is not disturbed.
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
  target.hidden = !text;
}

// Builds the children anew only where what they show has changed.
export function updateChildren(target, key, children) {
  const shown = JSON.stringify(key);
  if (target.dataset.shown === shown) return;
  target.dataset.shown = shown;
  target.replaceChildren(...children());
}
