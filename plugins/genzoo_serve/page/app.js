// The playground: what happens when something is clicked, typed or dropped.

import { hasKey, onKeyNeeded, read, setKey } from "/page/api.js";
import { $, button, el } from "/page/dom.js";
import { edit, painter, showInput, showStrength, takeFile } from "/page/input.js";
import { choose, favourite, isModel, listModels } from "/page/models.js";
import { drawNoise, generate } from "/page/results.js";
import { isLocked, lock, randomSeed, showChips } from "/page/settings.js";
import { guarded, state } from "/page/state.js";
import { beside, clicked, endChoosing } from "/page/viewer.js";

function wire() {
  document.addEventListener("model", showInput);
  $("results").addEventListener("picture", (event) => clicked(event.target.tile));
  $("model").onclick = () => { listModels(); $("models").showModal(); $("search").focus(); };
  $("search").oninput = listModels;
  $("search").onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // or it would press the button that gets the focus back
    $("model-list").querySelector("button")?.click();
  };
  for (const close of document.querySelectorAll(".close")) {
    close.onclick = () => close.closest("dialog").close();
  }
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }
  $("controls").onsubmit = (event) => { event.preventDefault(); generate(); };
  $("stop").onclick = () => state.running?.abort();
  $("prompt").oninput = showChips;
  $("dice").onclick = () => { $("seed").value = String(randomSeed()); };
  $("lock").onclick = () => lock(!isLocked());
  $("seed").oninput = () => lock(true);
  $("strength").oninput = showStrength;
  $("choose-file").onclick = () => $("file").click();
  $("file").onchange = () => { takeFile($("file").files[0]); $("file").value = ""; };
  $("inpaint").onclick = () => edit("inpaint");
  $("vary").onclick = () => edit("vary");
  $("reconstruct").onclick = () => edit("reconstruction");
  $("remove-input").onclick = () => { state.input = null; $("input").hidden = true; };
  const parts = { Left: [0, 0, 0.5, 1], Right: [0.5, 0, 0.5, 1], Top: [0, 0, 1, 0.5], Bottom: [0, 0.5, 1, 0.5] };
  $("halves").replaceChildren(...Object.entries(parts).map(([name, box]) => (
    button(name, () => painter.fill(...box), "chip"))), button("Clear", () => painter.clear(), "chip"));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); generate(); }
    if (event.key === "Escape" && state.walkFrom) endChoosing();
  });
  $("viewer").addEventListener("keydown", beside);
  const carriesFiles = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return; // text may be dropped in a field
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.body.classList.remove("dragging");
    takeFile(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (file) takeFile(file);
  });

  $("theme").onclick = () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
      || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  };

  const askForKey = () => new Promise((resolve) => {
    $("key-button").hidden = false;
    $("key-dialog").onclose = () => { resolve($("key").value.trim()); $("key").value = ""; };
    if (!$("key-dialog").open) $("key-dialog").showModal();
  });
  let asking = null; // several requests may want it at once
  onKeyNeeded(() => {
    asking ??= askForKey().finally(() => { asking = null; });
    return asking;
  });
  $("key-button").onclick = async () => { setKey(await askForKey()); };
  $("key-form").onsubmit = (event) => { event.preventDefault(); $("key-dialog").close(); };
}

async function start() {
  wire();
  drawNoise();
  $("seed").value = String(randomSeed());
  const list = await guarded(() => read("/v1/models"));
  if (!list) return;
  if (hasKey()) $("key-button").hidden = false;
  state.models = list.data;
  $("count").textContent = `${list.data.length} model${list.data.length === 1 ? "" : "s"}`;
  const others = list.data.filter(isModel).map(({ id }) => el("option", { value: id, textContent: id }));
  $("other").replaceChildren(el("option", { value: "", textContent: "no other model" }), ...others);
  if (list.data.length) await choose(favourite(list.data).id);
}

start();
