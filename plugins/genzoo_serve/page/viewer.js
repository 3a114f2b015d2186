// One picture: how it came to be, and what can be made of it.

import { $, button } from "/page/dom.js";
import { setInput } from "/page/input.js";
import { choose, describe, showModel } from "/page/models.js";
import { link, make, working } from "/page/results.js";
import { lock, randomSeed } from "/page/settings.js";
import { guarded, say, state } from "/page/state.js";

const NEIGHBOURS = 6;

export async function clicked(tile) {
  if (state.walkFrom) {
    const from = state.walkFrom;
    if (tile !== from && (tile.job.model !== from.job.model || tile.seed === null)) {
      say(`Choose a picture that ${from.job.model} made of a seed.`, true);
      return;
    }
    endChoosing();
    if (tile !== from) await walk(from, tile.seed);
    return;
  }
  view(tile);
}

export function endChoosing() {
  state.walkFrom = null;
  document.body.classList.remove("choosing");
  say("");
}

async function view(tile) {
  const { job, seed } = tile;
  const about = await describe(job.model);
  const { can } = about;
  const noise = seed !== null && job.task === "generation"; // the noise of a seed made it
  const frames = tile.walk || tile.frames;
  const picture = $("viewer-picture");
  const film = $("film");
  picture.classList.toggle("small", tile.image.classList.contains("small"));
  picture.alt = tile.name;
  $("viewer-title").textContent = tile.name;
  film.max = frames.length - 1;
  film.value = tile.walk ? [...tile.result.tiles.children].indexOf(tile.node) : frames.length - 1;
  film.oninput = () => { picture.src = frames[film.value]; };
  film.oninput();
  $("film-label").textContent = tile.walk ? `From seed ${job.seed} to seed ${job.to}` : "From noise to picture";
  $("film-field").hidden = frames.length < 2;

  const act = (work) => () => { $("viewer").close(); guarded(work); };
  const base = { ...job, prompt: job.prompt, n: 8 };
  delete base.mask;
  delete base.to;
  const actions = [];
  if (can.vary) {
    actions.push(["Variations", () => variations(tile, base, 0.5, "Variations")]);
  }
  if (can.vary && can.reconstruct && !can.inpaint) {
    actions.push(["Neighbours", () => variations(tile, base, 0.2, "Neighbours of the latent")]);
  } else if (noise) {
    actions.push(["Neighbours", () => neighbours(tile)]);
  }
  if (noise) {
    actions.push(["Walk to…", async () => {
      state.walkFrom = tile;
      document.body.classList.add("choosing");
      say("Choose another picture of the same model to walk to; this one again to stay.");
    }]);
    actions.push(["Keep its seed", async () => { $("seed").value = String(seed); lock(true); }]);
  }
  if (can.inpaint || can.vary || can.reconstruct) {
    actions.push([can.inpaint ? "Edit or inpaint" : "Edit", async () => {
      if (state.about.id !== job.model && !(await choose(job.model))) return;
      if (about.conditioners.length) $("prompt").value = job.prompt;
      state.conditions = { ...job.conditions };
      showModel();
      await setInput(tile.blob, tile.name);
    }]);
  }
  const file = `${job.model}-${seed ?? "picture"}.png`.replace(/[^\w.-]+/g, "_");
  $("viewer-actions").replaceChildren(
    ...actions.map(([text, work]) => button(text, act(work))), link("Download PNG", tile.blob, file));
  $("viewer").tile = tile;
  if (!$("viewer").open) $("viewer").showModal();
}

async function variations(tile, base, strength, title) {
  const job = { ...base, task: "edit", seed: randomSeed(), strength, image: tile.blob };
  await working("Making variations…", () => make(`${title} · ${job.model}`, [job]));
}

// Pictures a little way from one, towards others, in the space of the noise.
async function neighbours(tile) {
  const jobs = Array.from({ length: NEIGHBOURS }, () => (
    { ...tile.job, task: "walk", seed: tile.seed, to: randomSeed(), n: 5 }));
  await working("Looking around…", () => (
    make(`Neighbours of seed ${tile.seed} · ${tile.job.model}`, jobs, { only: 1 })));
}

async function walk(from, to) {
  const job = { ...from.job, task: "walk", seed: from.seed, to, n: 8 };
  await working("Walking…", () => make(`Walk from ${from.seed} to ${to} · ${job.model}`, [job]));
}

// Left and right go to the pictures beside the one that is seen.
export function beside(event) {
  const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
  if (!step || event.target === $("film")) return;
  const other = $("viewer").tile.node[step];
  if (other?.tile?.done) view(other.tile);
}
