// The playground: choosing a model, its settings, and what is made with them.

import { $, button, choice, el, isSmall } from "/page/dom.js";
import { ApiError, hasKey, onKeyNeeded, pngOf, post, read, setKey, stream } from "/page/api.js";
import { bodyOf, commandLine, curl, pathOf, python, streams } from "/page/lines.js";
import { Painter } from "/page/paint.js";

const IDEAS = ["smiling face with sunglasses", "red heart", "cat", "rocket", "pizza", "green apple"];
const FRAME = 130; // milliseconds for which a picture on the way is seen at least
const RESULTS = 20; // results that stay on the page
const NEIGHBOURS = 6;

const state = {
  models: [], // as /v1/models lists them
  about: null, // the chosen model, as /v1/genzoo/models/… describes it
  conditions: {},
  set: {}, // options that differ from the model's own
  input: null, // {blob, name}
  walkFrom: null,
  running: null, // an AbortController
};

// ---------------------------------------------------------------- messages

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function toast(text, actions = []) {
  $("toast-text").textContent = text;
  const hide = () => { $("toast").hidden = true; };
  const buttons = actions.map(([label, act]) => button(label, () => { hide(); act(); }));
  $("toast-actions").replaceChildren(...buttons, button("Close", hide));
  $("toast").hidden = false;
}

async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") say("Stopped.");
    else if (error instanceof ApiError) say(error.message, true);
    else throw error;
    return undefined;
  }
}

// ---------------------------------------------------------------- models

const isModel = (model) => model.genzoo.kind === "model";

function favourite(models) {
  const rank = ({ genzoo }) => (genzoo.family === "diffusion" ? 2 : 0) + genzoo.conditioners.length;
  const able = models.filter(isModel);
  return (able.length ? able : models).reduce((best, one) => (rank(one) > rank(best) ? one : best));
}

function listModels() {
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
async function describe(id) {
  if (!described.has(id)) {
    described.set(id, await read(`/v1/genzoo/models/${encodeURIComponent(id)}`));
  }
  return described.get(id);
}

async function choose(id) {
  $("models").close();
  say(`Opening ${id}…`);
  $("generate").disabled = true;
  const about = await guarded(() => describe(id));
  $("generate").disabled = false;
  if (!about) return false;
  say("");
  state.about = about;
  state.conditions = {};
  state.set = {};
  showModel();
  return true;
}

function showModel() {
  const { about } = state;
  const [first, ...others] = about.conditioners;
  $("model-name").textContent = about.id;
  $("model-summary").textContent = about.summary;
  $("asking").hidden = !first;
  if (first && first.values.length && !first.values.includes($("prompt").value)) $("prompt").value = "";
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
  showInput();
}

function showChips() {
  const first = state.about.conditioners[0];
  const prompt = $("prompt");
  prompt.rows = first?.values.length ? 1 : 2;
  const values = first?.values.length ? first.values : IDEAS;
  choice($("chips"), first ? values.slice(0, 300) : [], prompt.value, (value) => {
    prompt.value = value;
    showChips();
  });
}

function showConditions(conditioners) {
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

function showOptions() {
  const order = ({ name }) => (FIRST.indexOf(name) + 1 || FIRST.length + 1);
  const options = state.about.options.filter(hasPart).sort((a, b) => order(a) - order(b));
  $("options").replaceChildren(...options.map(optionField));
}

function setOption(option, text) {
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

// ---------------------------------------------------------------- settings

const isLocked = () => $("lock").getAttribute("aria-pressed") === "true";
const lock = (locked) => $("lock").setAttribute("aria-pressed", String(locked));
// Six digits, which a person can read and remember.
const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000;

function takeSeed() {
  if (!isLocked() || $("seed").value === "") $("seed").value = String(randomSeed());
  return Number($("seed").value);
}

const filled = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== ""));

function settings(about = state.about) {
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
    prompt: first ? $("prompt").value.trim() : "",
    negative: about.can.negative ? $("negative").value.trim() : "",
    n: Number($("n").value),
    options: Object.fromEntries(options),
    conditions: Object.fromEntries(conditions),
  };
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

// ---------------------------------------------------------------- making

function newResult(title, job, parent) {
  const tiles = el("div", { className: "tiles" });
  const heading = el("h2", { textContent: title },
    el("span", { textContent: job.prompt ? ` · ${job.prompt}` : "" }));
  const section = el("section", { className: "result" }, heading, tiles);
  (parent || $("results"))[parent ? "append" : "prepend"](section);
  $("empty").hidden = true;
  if (window.innerWidth <= 860) (parent || section).scrollIntoView(); // it lies below the settings
  while ($("results").children.length > RESULTS) {
    const old = $("results").lastElementChild;
    for (const { tile } of old.querySelectorAll(".tile")) tile.frames.forEach(URL.revokeObjectURL);
    old.remove();
  }
  return { section, tiles, jobs: [] };
}

// What is seen until the first picture is there.
let noise = "";
function drawNoise() {
  const canvas = el("canvas", { width: 32, height: 32 });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(32, 32);
  for (let place = 0; place < pixels.data.length; place += 1) {
    pixels.data[place] = place % 4 === 3 ? 255 : 256 * Math.random();
  }
  context.putImageData(pixels, 0, 0);
  noise = canvas.toDataURL();
}

class Tile {
  constructor(result, job, ratio) {
    Object.assign(this, { job, frames: [], waiting: [], blob: null, seed: null, done: false, result });
    this.image = el("img", { alt: "", src: noise, className: "small" });
    this.label = el("span", { className: "seed" });
    this.node = el("button", { type: "button", className: "tile waiting", disabled: true,
      onclick: () => clicked(this) }, this.image, this.label);
    this.node.style.setProperty("--ratio", ratio);
    result.tiles.append(this.node);
    this.node.tile = this;
  }

  partial(base64) { this.enqueue(pngOf(base64), null); }

  final(base64, seed) { this.enqueue(pngOf(base64), { seed }); }

  enqueue(blob, end) {
    this.waiting.push({ url: URL.createObjectURL(blob), blob, end });
    if (!this.timer) this.next();
  }

  // Pictures on the way come faster than one can see them: each stays for a moment.
  next() {
    const item = this.waiting.shift();
    if (!item) { this.timer = null; return; }
    this.image.src = item.url;
    this.image.onload = () => {
      const { naturalWidth, naturalHeight } = this.image;
      this.image.classList.toggle("small", isSmall(naturalWidth, naturalHeight));
    };
    this.frames.push(item.url);
    this.node.classList.remove("waiting");
    this.node.classList.toggle("moving", !item.end);
    if (item.end) {
      Object.assign(this, { blob: item.blob, seed: item.end.seed, done: true });
      this.node.disabled = false;
      this.label.textContent = this.seed === null ? "" : String(this.seed);
      this.node.setAttribute("aria-label", this.name);
    }
    this.timer = setTimeout(() => this.next(), FRAME);
  }

  get name() {
    const what = this.job.prompt ? `, ${this.job.prompt}` : "";
    return `${this.job.model}${what}${this.seed === null ? "" : `, seed ${this.seed}`}`;
  }
}

async function run(job, result, only) {
  const about = await describe(job.model);
  const ratio = about.shape ? about.shape[2] / about.shape[1] : 1;
  const tiles = Array.from({ length: only === undefined ? job.n : 1 }, () => new Tile(result, job, ratio));
  result.jobs.push(job);
  try {
    if (streams(job)) {
      await stream(pathOf(job), bodyOf(job), (event) => {
        const tile = tiles[event.index];
        if (!tile) return;
        if (event.type.endsWith("partial_image")) tile.partial(event.b64_json);
        else tile.final(event.b64_json, event.seed);
      }, state.running.signal);
    } else {
      const { data } = await post(pathOf(job), bodyOf(job), state.running.signal);
      const chosen = only === undefined ? data : [data[only]];
      chosen.forEach((datum, index) => tiles[index].final(datum.b64_json, datum.seed));
      if (job.task === "walk" && only === undefined) {
        const frames = data.map((datum) => URL.createObjectURL(pngOf(datum.b64_json)));
        for (const tile of tiles) tile.walk = frames;
      }
    }
  } finally {
    for (const tile of tiles) {
      if (!tile.done && !tile.waiting.some(({ end }) => end)) tile.node.remove();
    }
    if (!result.tiles.children.length) result.section.remove();
    if (!$("results").children.length) $("empty").hidden = false;
  }
}

async function working(text, work) {
  if (state.running) return;
  state.running = new AbortController();
  $("generate").disabled = true;
  $("stop").hidden = false;
  say(text);
  const begin = performance.now();
  let good = false;
  try {
    good = await guarded(async () => { await work(); return true; });
  } finally {
    state.running = null;
    $("generate").disabled = !state.about.can.generate;
    $("stop").hidden = true;
  }
  if (good) say(`Done in ${((performance.now() - begin) / 1000).toFixed(1)} s.`);
}

// Makes the pictures of all jobs, or of each its picture number `only`.
async function make(title, jobs, { only, parent } = {}) {
  const result = newResult(title, jobs[0], parent);
  for (const job of jobs) {
    await run(job, result, only); // one after the other, as they were drawn
  }
  result.section.append(linesOf(jobs));
}

async function generate() {
  if (!$("controls").reportValidity()) return;
  const seed = takeSeed();
  const second = $("other").value;
  await working("Making pictures…", async () => {
    const abouts = [state.about, ...(second ? [await describe(second)] : [])];
    const jobs = abouts.map((about) => ({ task: "generation", seed, ...settings(about) }));
    if (!second) {
      await make(`${jobs[0].model} · seed ${seed}`, jobs);
      return;
    }
    const pair = el("div", { className: "pairwise" });
    $("results").prepend(pair);
    try {
      const both = await Promise.allSettled(
        jobs.map((job) => make(`${job.model} · seed ${seed}`, [job], { parent: pair })));
      const failed = both.find(({ status }) => status === "rejected");
      if (failed) throw failed.reason;
    } finally {
      if (!pair.children.length) pair.remove();
    }
  });
}

const LINES = {
  "Command line": (job, file) => commandLine(job, file),
  Python: (job) => python(job),
  curl: (job) => curl(job, location.origin, hasKey()),
};

function linesOf(jobs) {
  const pre = el("pre", { tabIndex: 0 });
  const tabs = el("div", { className: "chips" });
  const show = (name) => {
    const lines = jobs.map((job, index) => (
      LINES[name](job, jobs.length > 1 ? `pictures-${index + 1}.png` : "pictures.png")));
    pre.textContent = (name === "Python" ? ["import genzoo", ...lines] : lines).join("\n");
    choice(tabs, Object.keys(LINES), name, (chosen) => show(chosen || name));
    tabs.append(button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
        say("Copied.");
      } catch {
        say("The browser does not let the page copy; select the lines.", true);
      }
    }), ...files.map(([file, blob]) => link(`Save ${file}`, blob, file)));
  };
  const files = [["input.png", jobs[0].image], ["mask.png", jobs[0].mask]].filter(([, blob]) => blob);
  const details = el("details", { className: "lines" },
    el("summary", { textContent: "Make these again" }), tabs, pre);
  show("Command line");
  return details;
}

function link(text, blob, file) {
  return el("a", { className: "button", textContent: text, href: URL.createObjectURL(blob), download: file });
}

// ---------------------------------------------------------------- one picture

async function clicked(tile) {
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

function endChoosing() {
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
function beside(event) {
  const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
  if (!step || event.target === $("film")) return;
  const other = $("viewer").tile.node[step];
  if (other?.tile?.done) view(other.tile);
}

// ---------------------------------------------------------------- a picture as input

const painter = new Painter($("canvas"), $("brush"), showInput);

async function setInput(blob, name) {
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

function showInput() {
  if (!state.about) return;
  const { can, id } = state.about;
  $("inpaint").disabled = !can.inpaint || !painter.painted;
  $("vary").disabled = !can.vary;
  $("reconstruct").disabled = !can.reconstruct;
  const cannot = [can.inpaint ? "" : "inpaint", can.vary ? "" : "vary pictures",
    can.reconstruct ? "" : "reconstruct"].filter(Boolean);
  $("input-note").textContent = cannot.length ? `${id} cannot ${cannot.join(" or ")}; other models can.` : "";
}

const showStrength = () => { $("strength-value").textContent = $("strength").value; };

async function edit(task) {
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

async function takeFile(file) {
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

// ---------------------------------------------------------------- the page

function wire() {
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
