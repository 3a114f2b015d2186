// A job, as what the API takes, and as the lines that make the same pictures elsewhere.
//
// job: {task, model, prompt, negative, seed, to, n, options, conditions, strength, image, mask}
// task: "generation", "edit", "reconstruction" or "walk"; image and mask are Blobs.

const PATHS = {
  generation: "/v1/images/generations",
  edit: "/v1/images/edits",
  reconstruction: "/v1/genzoo/reconstructions",
  walk: "/v1/genzoo/walks",
};
export const pathOf = (job) => PATHS[job.task];
export const streams = (job) => job.task === "generation" || job.task === "edit";
const isForm = (job) => Boolean(job.image);
const some = (object) => Object.keys(object || {}).length > 0;

function fields(job) {
  const body = { model: job.model };
  if (job.prompt) body.prompt = job.prompt;
  if (job.negative) body.negative_prompt = job.negative;
  if (job.task !== "reconstruction") Object.assign(body, { n: job.n, seed: job.seed });
  if (job.task === "walk") body.to = job.to;
  if (job.strength !== undefined) body.strength = job.strength;
  if (some(job.options)) body.options = job.options;
  if (some(job.conditions)) body.conditions = job.conditions;
  return body;
}

export function bodyOf(job) {
  const body = fields(job);
  if (streams(job)) Object.assign(body, { stream: true, partial_images: 3 });
  if (!isForm(job)) return body;
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) {
    form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  form.append("image", job.image, "input.png");
  if (job.mask) form.append("mask", job.mask, "mask.png");
  return form;
}

// A word of a POSIX shell.
export function quoted(text) {
  const word = String(text);
  return /^[A-Za-z0-9_./:=,+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

const OWN = ["steps", "sampler", "guidance"];

export function commandLine(job, file) {
  const flag = (name, value) => {
    const text = String(value);
    return text.startsWith("-") ? quoted(`${name}=${text}`) : `${name} ${quoted(text)}`;
  };
  const words = [];
  if (job.image) words.push(flag("--input", "input.png"));
  if (job.mask) words.push(flag("--mask", "mask.png"));
  if (job.strength !== undefined) words.push(flag("--strength", job.strength));
  if (job.task === "walk") words.push(flag("--interpolate", `${job.seed},${job.to}`));
  else if (job.task !== "reconstruction") words.push(flag("--seed", job.seed));
  if (job.task !== "reconstruction") words.push(flag("-n", job.n));
  for (const [name, value] of Object.entries(job.options || {})) {
    words.push(OWN.includes(name) ? flag(`--${name}`, value) : flag("--set", `${name}=${value}`));
  }
  for (const [name, value] of Object.entries(job.conditions || {})) {
    words.push(flag("--set", `${name}=${value}`));
  }
  if (job.negative) words.push(flag("--negative", job.negative));
  words.push(flag("-o", file));
  const named = [quoted(job.model), ...(job.prompt ? [quoted(job.prompt)] : [])];
  const dashed = [job.model, job.prompt].some((word) => word && word.startsWith("-"));
  const all = dashed ? [...words, "--", ...named] : [...named, ...words];
  return ["genzoo run", ...all].join(" ");
}

function pythonValue(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  if (Array.isArray(value)) return `(${value.map(pythonValue).join(", ")})`;
  if (typeof value !== "object") return JSON.stringify(value);
  const items = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${pythonValue(v)}`);
  return `{${items.join(", ")}}`;
}

export function python(job) {
  const named = {};
  if (job.task === "walk") named.interpolate = [job.seed, job.to];
  else if (job.task !== "reconstruction") named.seed = job.seed;
  if (job.task !== "reconstruction") named.n = job.n;
  if (job.image) named.inputs = "input.png";
  if (job.mask) named.mask = "mask.png";
  if (job.strength !== undefined) named.strength = job.strength;
  if (job.negative) named.negative = job.negative;
  if (some(job.options)) named.options = job.options;
  if (some(job.conditions)) named.conditions = job.conditions;
  const first = [job.model, ...(job.prompt ? [job.prompt] : [])].map(pythonValue);
  const further = Object.entries(named).map(([name, value]) => `${name}=${pythonValue(value)}`);
  return `genzoo.generate(${[...first, ...further].join(", ")})`;
}

export function curl(job, origin, hasKey) {
  const words = ["curl", quoted(origin + pathOf(job))];
  if (hasKey) words.push('-H "Authorization: Bearer $KEY"');
  const body = fields(job);
  if (!isForm(job)) {
    words.push(`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(JSON.stringify(body))}`);
    return words.join(" ");
  }
  words.push("-F image=@input.png");
  if (job.mask) words.push("-F mask=@mask.png");
  for (const [name, value] of Object.entries(body)) {
    const text = typeof value === "object" ? JSON.stringify(value) : value;
    words.push(`--form-string ${quoted(`${name}=${text}`)}`);
  }
  return words.join(" ");
}
