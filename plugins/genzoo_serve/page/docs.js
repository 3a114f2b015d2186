// The routes and their fields, as /openapi.json lists them.

import { $, el } from "./dom.js";

const api = await (await fetch("/openapi.json")).json();

const resolved = (schema) =>
  schema.$ref ? api.components.schemas[schema.$ref.split("/").at(-1)] : schema;

const LIMITS = { minimum: "from", exclusiveMinimum: "above", maximum: "to", exclusiveMaximum: "below" };

// A field's type in words; null, which leaves a field out, is not among them.
function typeOf(schema) {
  if (schema.anyOf) {
    return schema.anyOf.filter((one) => one.type !== "null").map(typeOf).join(" or ");
  }
  if (schema.enum) return schema.enum.join(", ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.type === "array") return `list of: ${typeOf(schema.items)}`;
  if (schema.format === "binary") return "file";
  const limits = Object.keys(LIMITS).filter((key) => key in schema)
    .map((key) => ` ${LIMITS[key]} ${schema[key]}`);
  return (schema.type || "any") + limits.join("");
}

function row(name, schema, required) {
  return el("tr", {},
    el("td", {}, el("code", { textContent: name }), required ? " (required)" : ""),
    el("td", { textContent: typeOf(schema) }),
    el("td", { textContent: schema.description || "" }));
}

function fields(operation) {
  const rows = (operation.parameters || [])
    .map((one) => row(one.name, { description: one.description, ...one.schema }, one.required));
  for (const [kind, { schema }] of Object.entries(operation.requestBody?.content || {})) {
    const { properties, required = [], ...whole } = resolved(schema);
    const own = Object.entries(properties || { body: whole })
      .map(([name, each]) => row(name, each, required.includes(name)));
    rows.push(el("tr", {}, el("th", { colSpan: 3, textContent: kind })), ...own);
  }
  return rows.length ? [el("table", {}, ...rows)] : [];
}

$("operations").append(...Object.entries(api.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => el("section", { className: "result" },
    el("h2", {}, el("code", { textContent: `${method.toUpperCase()} ${path}` })),
    el("p", { textContent: operation.description || operation.summary }),
    ...fields(operation)))));
