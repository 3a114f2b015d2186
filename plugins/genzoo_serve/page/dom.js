// Elements. Text is only ever set as text: nothing that a card or a prompt says becomes markup.

export const $ = (id) => document.getElementById(id);

export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export function button(text, onclick, className = "") {
  return el("button", { type: "button", textContent: text, onclick, className });
}

// A set of buttons of which one is pressed; pressing it again lets it go where that is allowed.
export function choice(box, values, chosen, onchange) {
  const buttons = values.map((value) => {
    const one = button(value, () => {
      const on = one.getAttribute("aria-pressed") === "true";
      onchange(on ? "" : value);
    }, "chip");
    one.title = value;
    one.setAttribute("aria-pressed", String(value === chosen));
    return one;
  });
  box.replaceChildren(...buttons);
}

export const isSmall = (width, height) => Math.max(width, height) <= 128;
