// Making pictures, and the results on the page.

import { hasKey, pngOf, post, stream } from "/page/api.js";
import { $, button, choice, el, isSmall } from "/page/dom.js";
import { bodyOf, commandLine, curl, pathOf, python, streams } from "/page/lines.js";
import { describe } from "/page/models.js";
import { settings, takeSeed } from "/page/settings.js";
import { guarded, say, state } from "/page/state.js";

const FRAME = 130; // milliseconds for which a picture on the way is seen at least
const RESULTS = 20; // results that stay on the page

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
export function drawNoise() {
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
      onclick: () => this.node.dispatchEvent(new Event("picture", { bubbles: true })) }, this.image, this.label);
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

export async function working(text, work) {
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
export async function make(title, jobs, { only, parent } = {}) {
  const result = newResult(title, jobs[0], parent);
  for (const job of jobs) {
    await run(job, result, only); // one after the other, as they were drawn
  }
  result.section.append(linesOf(jobs));
}

export async function generate() {
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
    }, "chip"), ...files.map(([file, blob]) => link(`Save ${file}`, blob, file)));
  };
  const files = [["input.png", jobs[0].image], ["mask.png", jobs[0].mask]].filter(([, blob]) => blob);
  const details = el("details", { className: "lines" },
    el("summary", { textContent: "Make these again" }), tabs, pre);
  show("Command line");
  return details;
}

export function link(text, blob, file) {
  return el("a", { className: "button", textContent: text, href: URL.createObjectURL(blob), download: file });
}
