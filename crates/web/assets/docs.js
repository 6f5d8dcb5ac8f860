// Lists the operations of /openapi.json and sends requests to them. Loads nothing from elsewhere.
"use strict";

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function resolve(api, schema, depth = 0) {
  if (schema && schema.$ref && depth < 8) {
    return resolve(api, api.components.schemas[schema.$ref.split("/").pop()], depth + 1);
  }
  return schema || {};
}

// An example body: one value per field, so that a person only has to change it.
function example(api, given, depth = 0) {
  const schema = resolve(api, given);
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return example(api, schema.anyOf[0], depth + 1);
  const kind = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (kind === "object" && depth < 6) {
    const fields = Object.entries(schema.properties || {});
    return Object.fromEntries(fields.map(([name, field]) => [name, example(api, field, depth + 1)]));
  }
  if (kind === "array") return depth < 6 ? [example(api, schema.items, depth + 1)] : [];
  return { string: "", integer: schema.minimum || 0, number: 0, boolean: false }[kind] ?? null;
}

function schemesOf(api, operation) {
  const names = new Set((operation.security || []).flatMap((way) => Object.keys(way)));
  return [...names].map((name) => api.components.securitySchemes[name]).filter((scheme) => scheme);
}

function field(form, label, name, value, big) {
  const input = element(big ? "textarea" : "input", { name, value: value || "" });
  if (!big) input.autocomplete = "off";
  form.append(element("label", {}, element("span", { textContent: label }), input));
}

function tryForm(api, path, method, operation) {
  const form = element("form", {});
  for (const parameter of operation.parameters || []) {
    const mark = parameter.required ? " *" : "";
    field(form, `${parameter.name} (${parameter.in})${mark}`, `${parameter.in}:${parameter.name}`);
  }
  for (const scheme of schemesOf(api, operation)) {
    if (scheme.type === "http") field(form, `Bearer: ${scheme.description}`, "bearer:");
    else if (scheme.in === "header") field(form, `${scheme.name} (header)`, `header:${scheme.name}`);
  }
  if (operation.requestBody) {
    const content = Object.values(operation.requestBody.content)[0];
    field(form, "body", "body:", JSON.stringify(example(api, content.schema), null, 2), true);
  }
  const output = element("pre", { hidden: true });
  form.append(element("button", { textContent: "Send" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(path, method, form, output);
  });
  return [form, output];
}

async function send(path, method, form, output) {
  const headers = {};
  const query = new URLSearchParams();
  let body;
  for (const input of form.elements) {
    const [place, name] = [input.name.split(":")[0], input.name.split(":").slice(1).join(":")];
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (!input.value) continue;
    else if (place === "query") query.append(name, input.value);
    else if (place === "header") headers[name] = input.value;
    else if (place === "bearer") headers.authorization = `Bearer ${input.value}`;
    else if (place === "body") body = input.value;
  }
  if (body !== undefined) headers["content-type"] = "application/json";
  const target = path + (query.size ? `?${query}` : "");
  output.hidden = false;
  output.textContent = `${method.toUpperCase()} ${target}\n…`;
  const started = performance.now();
  try {
    const response = await fetch(target, { method, headers, body });
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    output.textContent = `${response.status} ${response.statusText} (${took} ms)\n${lines}\n\n${pretty(text)}`;
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
}

function pretty(text) {
  // Re-indenting by parsing would change numbers above 2^53, so only small texts without them are re-indented.
  if (text.length > 200000 || /\d{16}/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function describe(api, operation) {
  const parts = [];
  if (operation.description) parts.push(element("p", { textContent: operation.description }));
  const answers = element("ul", {});
  for (const [status, answer] of Object.entries(operation.responses)) {
    const line = element("li", {}, element("code", { textContent: status }), ` ${answer.description}`);
    const content = answer.content && Object.values(answer.content)[0];
    if (content && status < "300") {
      line.append(element("pre", { textContent: JSON.stringify(example(api, content.schema), null, 2) }));
    }
    answers.append(line);
  }
  parts.push(answers);
  return parts;
}

function entry(api, path, method, operation) {
  const summary = element(
    "summary",
    {},
    element("span", { className: "method", textContent: method.toUpperCase() }),
    element("code", { textContent: path }),
    ` ${operation.summary}`,
  );
  const details = element("details", { id: operation.operationId }, summary);
  details.dataset.text = `${method} ${path} ${operation.summary} ${operation.tags.join(" ")}`.toLowerCase();
  // Filled when first opened: two hundred forms at once would be slow.
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    details.append(...describe(api, operation), ...tryForm(api, path, method, operation));
  });
  return details;
}

function show(api) {
  const desks = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const desk = operation.tags[0];
      if (!desks.has(desk)) desks.set(desk, element("section", {}, element("h2", { textContent: desk })));
      desks.get(desk).append(entry(api, path, method, operation));
    }
  }
  document.getElementById("version").textContent = api.info.version;
  document.getElementById("operations").replaceChildren(...[...desks.entries()].sort().map(([, section]) => section));
  if (location.hash) document.getElementById(location.hash.slice(1))?.setAttribute("open", "");
}

document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const section of document.querySelectorAll("section")) {
    const entries = [...section.querySelectorAll("details")];
    for (const details of entries) details.hidden = !details.dataset.text.includes(wanted);
    section.hidden = entries.every((details) => details.hidden);
  }
});

fetch("/openapi.json")
  .then((response) => response.json())
  .then(show)
  .catch((error) => {
    document.getElementById("operations").textContent = `The description could not be loaded: ${error.message}`;
  });
