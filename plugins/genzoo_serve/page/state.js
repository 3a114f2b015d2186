// What the page knows, and how it speaks to the user.

import { ApiError } from "/page/api.js";
import { $, button } from "/page/dom.js";

export const state = {
  models: [], // as /v1/models lists them
  about: null, // the chosen model, as /v1/genzoo/models/… describes it
  conditions: {},
  set: {}, // options that differ from the model's own
  input: null, // {blob, name}
  walkFrom: null,
  running: null, // an AbortController
};

export function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

export function toast(text, actions = []) {
  $("toast-text").textContent = text;
  const hide = () => { $("toast").hidden = true; };
  const buttons = actions.map(([label, act]) => button(label, () => { hide(); act(); }));
  $("toast-actions").replaceChildren(...buttons, button("Close", hide));
  $("toast").hidden = false;
}

export async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") say("Stopped.");
    else if (error instanceof ApiError) say(error.message, true);
    else throw error;
    return undefined;
  }
}
