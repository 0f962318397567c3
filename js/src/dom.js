// Builds elements; every text is inserted as text, never as HTML.

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

// Sets the text of an element only if it changes, so that selections and animations are not disturbed.
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
  target.hidden = !text;
}

// Replaces the children only if their content has changed.
export function updateChildren(target, key, children) {
  const shown = JSON.stringify(key);
  if (target.dataset.shown === shown) return;
  target.dataset.shown = shown;
  target.replaceChildren(...children());
}
