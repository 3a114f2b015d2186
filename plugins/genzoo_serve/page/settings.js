// What a request says beside its model: the prompt, conditions, options and the seed.

import { $, choice, el } from "/page/dom.js";
import { state } from "/page/state.js";

const IDEAS = ["smiling face with sunglasses", "red heart", "cat", "rocket", "pizza", "green apple"];

export function showChips() {
  const first = state.about.conditioners[0];
  const prompt = $("prompt");
  prompt.rows = first?.values.length ? 1 : 2;
  const values = first?.values.length ? first.values : IDEAS;
  choice($("chips"), first ? values.slice(0, 300) : [], prompt.value, (value) => {
    prompt.value = value;
    showChips();
  });
}

export function showConditions(conditioners) {
  const fields = conditioners.map(({ name, values }) => {
    if (!values.length) {
      const input = el("input", { value: state.conditions[name] || "", id: `condition-${name}`,
        oninput: () => { state.conditions[name] = input.value; } });
      return el("div", { className: "field" },
        el("label", { for: input.id, textContent: name }), input);
    }
    const box = el("div", { className: "chips", role: "group", "aria-label": name });
    choice(box, values.slice(0, 300), state.conditions[name] || "", (value) => {
      state.conditions[name] = value;
      showConditions(conditioners);
    });
    return el("div", { className: "field" }, el("span", { className: "label", textContent: name }), box);
  });
  $("conditions").replaceChildren(...fields);
}

const SLIDERS = { steps: [1, 50, 1], guidance: [0, 10, 0.1] };
const FIRST = ["steps", "sampler", "guidance"];

// Whether an option is the model's own, or of the component that is chosen now.
function hasPart({ name, of }) {
  const chooser = state.about.options.find((option) => option.name === name.split(".")[0]);
  return !of || !chooser || (state.set[chooser.name] ?? chooser.default) === of;
}

export function showOptions() {
  const order = ({ name }) => (FIRST.indexOf(name) + 1 || FIRST.length + 1);
  const options = state.about.options.filter(hasPart).sort((a, b) => order(a) - order(b));
  $("options").replaceChildren(...options.map(optionField));
}

export function setOption(option, text) {
  if (text === "") delete state.set[option.name];
  else if (/^a (whole )?number/.test(option.type) && Number.isFinite(Number(text))) state.set[option.name] = Number(text);
  else state.set[option.name] = text;
}

function optionField(option) {
  const id = `option-${option.name}`;
  const own = option.default === null ? "" : String(option.default);
  const value = state.set[option.name] === undefined ? "" : String(state.set[option.name]);
  const label = el("label", { for: id, textContent: `${option.name} ` },
    el("span", { className: "quiet", textContent: option.of ? `of ${option.of}` : "" }));
  if (option.choices.length) {
    const own_label = own ? `${own} (the model's own)` : "the model's own";
    const select = el("select", { id, onchange: () => { setOption(option, select.value); showOptions(); $(id).focus(); } },
      el("option", { value: "", textContent: own_label }),
      ...option.choices.map(String).filter((one) => one !== own)
        .map((one) => el("option", { value: one, textContent: one })));
    select.value = value;
    return el("div", { className: "field" }, label, select);
  }
  const input = el("input", { id, value, placeholder: own || "own", title: option.type,
    inputMode: /number/.test(option.type) ? "decimal" : "text" });
  input.oninput = () => setOption(option, input.value.trim());
  if (!SLIDERS[option.name]) return el("div", { className: "field" }, label, input);
  const [min, max, step] = SLIDERS[option.name];
  const slider = el("input", { type: "range", min, max, step, "aria-label": option.name });
  slider.value = value || own || min;
  slider.oninput = () => { input.value = slider.value; setOption(option, slider.value); };
  input.oninput = () => {
    setOption(option, input.value.trim());
    slider.value = input.value.trim() || own || min;
  };
  return el("div", { className: "field" }, label, el("div", { className: "pair" }, slider, input));
}

export const isLocked = () => $("lock").getAttribute("aria-pressed") === "true";
export const lock = (locked) => $("lock").setAttribute("aria-pressed", String(locked));
// Six digits, which a person can read and remember.
export const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000;

export function takeSeed() {
  if (!isLocked() || $("seed").value === "") $("seed").value = String(randomSeed());
  return Number($("seed").value);
}

const filled = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== ""));

// A field as it was written; nothing where it is blank.
const written = (id) => ($(id).value.trim() ? $(id).value : "");

export function settings(about = state.about) {
  const first = about.conditioners[0];
  const names = about.conditioners.map(({ name }) => name);
  const conditions = Object.entries(filled(state.conditions)).filter(([name]) => names.includes(name));
  const takes = (option, value) => (
    (about !== state.about || hasPart(option))
    && (!option.choices.length || option.choices.map(String).includes(String(value))));
  const options = Object.entries(state.set).filter(([name, value]) => (
    about.options.some((option) => option.name === name && takes(option, value))));
  return {
    model: about.id,
    prompt: first ? written("prompt") : "",
    negative: about.can.negative ? written("negative") : "",
    n: Number($("n").value),
    options: Object.fromEntries(options),
    conditions: Object.fromEntries(conditions),
  };
}
