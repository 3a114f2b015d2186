// A picture of the user's: to edit, or to take the settings from.

import { post } from "/page/api.js";
import { $, isSmall } from "/page/dom.js";
import { choose } from "/page/models.js";
import { Painter } from "/page/paint.js";
import { make, working } from "/page/results.js";
import { lock, setOption, settings, showChips, showConditions, showOptions, takeSeed } from "/page/settings.js";
import { guarded, say, state, toast } from "/page/state.js";

export const painter = new Painter($("canvas"), $("brush"), showInput);

export async function setInput(blob, name) {
  let picture;
  try {
    picture = await createImageBitmap(blob);
  } catch {
    say(`${name} is no picture that this browser can show.`, true);
    return;
  }
  state.input = { blob, name };
  $("input").hidden = false;
  painter.show(picture);
  $("canvas").classList.toggle("small", isSmall(picture.width, picture.height));
  $("input").scrollIntoView({ block: "nearest" });
}

export function showInput() {
  if (!state.about) return;
  const { can, id } = state.about;
  $("inpaint").disabled = !can.inpaint || !painter.painted;
  $("vary").disabled = !can.vary;
  $("reconstruct").disabled = !can.reconstruct;
  const cannot = [can.inpaint ? "" : "inpaint", can.vary ? "" : "vary pictures",
    can.reconstruct ? "" : "reconstruct"].filter(Boolean);
  $("input-note").textContent = cannot.length ? `${id} cannot ${cannot.join(" or ")}; other models can.` : "";
}

export const showStrength = () => { $("strength-value").textContent = $("strength").value; };

export async function edit(task) {
  if (!$("controls").reportValidity()) return;
  const { blob } = state.input;
  const job = { ...settings(), image: blob };
  if (task === "reconstruction") {
    Object.assign(job, { task, n: 1, negative: "", options: {} });
  } else {
    Object.assign(job, { task: "edit", seed: takeSeed() });
    if (task === "inpaint") job.mask = await painter.png();
    else job.strength = Number($("strength").value);
  }
  const titles = { inpaint: "Inpainted", vary: "Variations", reconstruction: "Reconstruction" };
  await working("Making pictures…", () => make(`${titles[task]} · ${job.model}`, [job]));
}

// Whether a PNG has a chunk of text that is called "genzoo".
async function hasRecord(blob) {
  const text = new TextDecoder("latin1").decode(await blob.arrayBuffer());
  return text.slice(1, 4) === "PNG" && /(iTXt|tEXt|zTXt)genzoo\0/.test(text);
}

export async function takeFile(file) {
  if (!file) return;
  if (!(await hasRecord(file))) { await setInput(file, file.name); return; }
  const found = await guarded(() => post("/v1/genzoo/records", file));
  const asInput = ["Edit this picture", () => setInput(file, file.name)];
  if (!found) return;
  if (!Number.isSafeInteger(found.seed)) {
    toast("Its seed is larger than a browser can count: genzoo run --replay makes it again.", [asInput]);
  } else if (!found.model) {
    toast(`It was made with ${found.name}, which is not served here.`, [asInput]);
  } else {
    await applySettings(found);
    const missing = { edit: " The picture that it was made from is not in the file.",
      reconstruction: " The picture that it was made from is not in the file.",
      walk: ` It is a step of a walk to seed ${found.to}.`, other: " It took more than the page can set." };
    toast(`Settings of ${file.name} loaded.${missing[found.task] || ""}`, [asInput]);
  }
}

async function applySettings(found) {
  if (!(await choose(found.model))) return;
  $("prompt").value = found.prompt;
  $("negative").value = found.negative_prompt || "";
  for (const option of state.about.options) {
    const value = found.options[option.name];
    if (value !== undefined && value !== option.default) setOption(option, String(value));
  }
  state.conditions = { ...found.conditions };
  $("seed").value = String(found.seed);
  $("n").value = found.task === "walk" ? 8 : 1;
  lock(true);
  $("more").open = Object.keys(state.set).length > 0 || $("negative").value !== "";
  if (found.strength !== null) $("strength").value = found.strength;
  showChips();
  showConditions(state.about.conditioners.slice(1));
  showOptions();
  showStrength();
}
