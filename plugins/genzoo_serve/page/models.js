// Choosing a model, and its card.

import { read } from "/page/api.js";
import { $, el } from "/page/dom.js";
import { showChips, showConditions, showOptions } from "/page/settings.js";
import { guarded, say, state } from "/page/state.js";

export const isModel = (model) => model.genzoo.kind === "model";

export function favourite(models) {
  const rank = ({ genzoo }) => (genzoo.family === "diffusion" ? 2 : 0) + genzoo.conditioners.length;
  const able = models.filter(isModel);
  return (able.length ? able : models).reduce((best, one) => (rank(one) > rank(best) ? one : best));
}

export function listModels() {
  const wanted = $("search").value.toLowerCase().split(/\s+/);
  const families = new Map();
  for (const model of state.models) {
    const { family, summary, dataset, shape, conditioners } = model.genzoo;
    const words = [model.id, family, summary, dataset, ...conditioners].join(" ").toLowerCase();
    if (!wanted.every((word) => words.includes(word))) continue;
    const size = shape ? `${shape[2]}×${shape[1]}` : "";
    const badges = [dataset, size, ...conditioners].filter(Boolean).join(" · ");
    const card = el("button", { type: "button", className: "card", onclick: () => choose(model.id) },
      el("b", { textContent: model.id }),
      el("span", { className: "quiet", textContent: summary }),
      el("span", { className: "badges", textContent: badges }));
    card.setAttribute("aria-current", String(state.about?.id === model.id));
    if (!families.has(family)) families.set(family, []);
    families.get(family).push(card);
  }
  const parts = [...families].sort().flatMap(([family, cards]) => [
    el("h3", { textContent: family }), el("div", { className: "cards" }, ...cards)]);
  $("model-list").replaceChildren(...(parts.length ? parts : [el("p", { textContent: "No such model." })]));
}

const described = new Map();
export async function describe(id) {
  if (!described.has(id)) {
    described.set(id, await read(`/v1/genzoo/models/${encodeURIComponent(id)}`));
  }
  return described.get(id);
}

let choices = 0;
export async function choose(id) {
  const mine = (choices += 1);
  $("models").close();
  say(`Opening ${id}…`);
  $("generate").disabled = true;
  const about = await guarded(() => describe(id));
  if (mine !== choices) return false; // another one was chosen meanwhile
  $("generate").disabled = false;
  if (!about) return false;
  say("");
  const values = about.conditioners[0]?.values ?? [];
  const before = state.about?.conditioners[0]?.values ?? []; // a class is no prompt elsewhere
  const prompt = $("prompt").value;
  if (values.length ? !values.includes(prompt) : before.includes(prompt)) $("prompt").value = "";
  state.about = about;
  state.conditions = {};
  state.set = {};
  showModel();
  return true;
}

export function showModel() {
  const { about } = state;
  const [first, ...others] = about.conditioners;
  $("model-name").textContent = about.id;
  $("model-summary").textContent = about.summary;
  $("asking").hidden = !first;
  $("prompt-label").textContent = first?.values.length ? `Class (${first.name})` : "Prompt";
  showChips();
  showConditions(others);
  showOptions();
  $("generate").disabled = !about.can.generate;
  $("generate").textContent = about.can.generate ? "Generate" : "Give it a picture";
  $("negative-field").hidden = !about.can.negative || !first;
  if ($("negative-field").hidden) $("negative").value = "";
  $("about").hidden = false;
  showCard();
  document.dispatchEvent(new Event("model"));
}

function showCard() {
  const { about } = state;
  const facts = [["Family", about.family], ["Data", about.dataset],
    ["Pictures", about.shape ? `${about.shape[2]}×${about.shape[1]}, ${about.shape[0] === 1 ? "grey" : "colour"}` : ""],
    ["Parameters", about.parameters ? about.parameters.toLocaleString("en") : ""],
    ["Licence", about.license], ["Credits", about.credits.join("; ")]];
  const list = el("dl", {}, ...facts.filter(([, value]) => value)
    .flatMap(([name, value]) => [el("dt", { textContent: name }), el("dd", { textContent: value })]));
  const figures = about.figures.map((figure) => {
    const unit = figure.unit ? ` ${figure.unit}` : "";
    const details = [figure.n ? `n = ${figure.n.toLocaleString("en")}` : "",
      figure.floor === undefined || figure.floor === null ? "" : `real images: ${figure.floor}${unit}`, figure.note || ""];
    return el("div", { className: "figure" },
      el("span", { textContent: figure.name }),
      el("b", { textContent: `${figure.value}${unit}` }),
      el("span", { className: "quiet", textContent: details.filter(Boolean).join(" · ") }));
  });
  $("card").replaceChildren(list, el("p", { textContent: about.notes || "" }), ...figures);
}
