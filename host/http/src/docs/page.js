// Shows the OpenAPI document: operations by group, what they take and answer, and a line
// for curl. All text goes into text nodes; the document is not trusted to be markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const OPERATORS = new Set(
  ("ne in contains icontains startswith istartswith endswith iendswith iexact lt lte gt gte " +
    "range isnull regex iregex").split(" "),
);
// Deeper than this a schema is not shown: some refer to themselves.
const DEEPEST = 4;

const SOURCE = document.currentScript.src;

let api = null;

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children.filter(Boolean));
  return made;
}

function classed(name, kind, text, ...children) {
  const made = element(name, text, ...children);
  made.className = kind;
  return made;
}

/** What a reference points at. */
function resolve(thing) {
  let at = thing;
  while (at && at.$ref) {
    at = at.$ref
      .slice(2)
      .split("/")
      .reduce((place, word) => place && place[word], api);
  }
  return at || {};
}

/** A schema's type in a word or two. */
function kindOf(given) {
  const name = given && given.$ref ? given.$ref.split("/").pop() : "";
  const schema = resolve(given);
  let kind = schema.type || (schema.anyOf || schema.oneOf ? "one of several" : "anything");
  if (kind === "array") kind = "list of " + kindOf(schema.items);
  else if (name) kind = name;
  if (schema.enum) kind += ": " + schema.enum.join(", ");
  else if (schema.format) kind += " (" + schema.format + ")";
  if (schema.nullable) kind += " or null";
  return kind;
}

function row(name, kind, about, required) {
  return element(
    "tr",
    "",
    element("td", "", element("code", name), required ? element("strong", " required") : null),
    element(
      "td",
      "",
      classed("span", "kind", kind),
      about ? document.createTextNode(" · " + about) : null,
    ),
  );
}

/** Filters by one field are one row, with its operators. */
function parameters(list) {
  const names = new Set(list.map((one) => one.name));
  const operators = new Map();
  const rows = [];
  for (const one of list) {
    const at = one.name.lastIndexOf("__");
    const field = one.name.slice(0, at);
    const operator = one.name.slice(at + 2);
    if (at > 0 && names.has(field) && OPERATORS.has(operator)) {
      operators.set(field, [...(operators.get(field) || []), operator]);
    } else {
      rows.push(one);
    }
  }
  const table = element("table");
  for (const one of rows) {
    const more = operators.get(one.name);
    const about = [one.description, more ? "also with __" + more.join(" __") : ""];
    const where = one.in === "query" ? "" : " in the " + one.in;
    table.append(
      row(one.name, kindOf(one.schema) + where, about.filter(Boolean).join(" · "), one.required),
    );
  }
  return table;
}

function schemaTable(given) {
  const schema = resolve(given);
  const items = schema.type === "array" ? resolve(schema.items) : schema;
  const table = element("table");
  for (const [name, property] of Object.entries(items.properties || {})) {
    const about = resolve(property).description || property.description;
    table.append(row(name, kindOf(property), about, (items.required || []).includes(name)));
  }
  return table.children.length ? table : element("p", kindOf(given));
}

/** A value that fits a schema, for the line of curl. */
function example(given, depth) {
  const schema = resolve(given);
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (depth > DEEPEST) return null;
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        (schema.required || []).map((name) => [
          name,
          example((schema.properties || {})[name], depth + 1),
        ]),
      );
    case "array":
      return [];
    case "integer":
    case "number":
      return schema.minimum || 0;
    case "boolean":
      return true;
    default:
      return "…";
  }
}

function quoted(text) {
  return "'" + text.replaceAll("'", "'\\''") + "'";
}

function curl(method, path, operation) {
  const words = ["curl"];
  if ((operation.security || []).length) words.push("--user admin");
  if (method !== "get") words.push("--request " + method.toUpperCase());
  const content = (operation.requestBody && operation.requestBody.content) || {};
  const form = content["multipart/form-data"];
  const fields = form ? resolve(form.schema).properties || {} : {};
  const file = Object.keys(fields).find((name) => fields[name].format === "binary");
  if (file) {
    words.push("--form " + file + "=@FILE");
  } else if (content["application/json"]) {
    const body = example(content["application/json"].schema, 0);
    words.push("--header 'Content-Type: application/json'");
    words.push("--data " + quoted(JSON.stringify(body)));
  } else if (Object.keys(content).length) {
    words.push("--data-binary @FILE");
  }
  words.push(quoted(location.origin + path));
  return words.join(" \\\n  ");
}

function body(method, path, operation) {
  const parts = element("div");
  if (operation.description) parts.append(element("p", operation.description));
  parts.append(element("p", "", element("code", operation.operationId)));
  if ((operation.parameters || []).length) {
    parts.append(element("h3", "Parameters"), parameters(operation.parameters));
  }
  if (operation.requestBody) {
    const [first] = Object.values(operation.requestBody.content);
    const types = Object.keys(operation.requestBody.content).join(", ");
    parts.append(element("h3", "Takes (" + types + ")"), schemaTable(first.schema));
  }
  for (const [status, given] of Object.entries(operation.responses)) {
    const answer = resolve(given);
    const [first] = Object.values(answer.content || {});
    if (status >= "300") continue;
    parts.append(element("h3", "Answers " + status));
    parts.append(first ? schemaTable(first.schema) : element("p", answer.description));
  }
  const refusals = Object.entries(operation.responses).filter(([status]) => status >= "300");
  const table = element("table");
  for (const [status, given] of refusals) table.append(row(status, resolve(given).description));
  parts.append(element("h3", "Or"), table);
  parts.append(element("h3", "Try it"), element("pre", curl(method, path, operation)));
  return parts;
}

function operationOf(method, path, operation) {
  const made = classed(
    "details",
    "operation",
    "",
    element(
      "summary",
      "",
      classed("span", "method", method.toUpperCase()),
      element("code", path),
      classed("span", "summary", operation.summary),
    ),
  );
  made.dataset.words = [path, operation.operationId, operation.summary].join(" ").toLowerCase();
  // Most are never opened, and lists have hundreds of filters.
  made.addEventListener(
    "toggle",
    () => made.children.length > 1 || made.append(body(method, path, operation)),
  );
  return made;
}

function show() {
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const [tag] = item[method].tags;
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationOf(method, path, item[method]));
    }
  }
  const tags = document.getElementById("tags");
  const operations = document.getElementById("operations");
  for (const [tag, made] of [...groups].sort(([a], [b]) => a.localeCompare(b))) {
    const section = element("section", "", element("h2", tag), ...made);
    section.id = tag;
    const link = element("a", tag);
    link.href = "#" + encodeURIComponent(tag);
    tags.append(link);
    operations.append(section);
  }
  const parts = Object.entries(api.info["x-pulp-app-versions"]);
  document.getElementById("about").textContent =
    api.info.description + " Here are " + parts.map((part) => part.join(" ")).join(", ") + ".";
}

function find(event) {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("main section")) {
    let any = false;
    for (const one of section.querySelectorAll(".operation")) {
      one.hidden = !words.every((word) => one.dataset.words.includes(word));
      any = any || !one.hidden;
    }
    section.hidden = !any;
  }
}

async function load() {
  try {
    const answer = await fetch(new URL("api.json?pk_path=1", SOURCE));
    if (!answer.ok) throw new Error(answer.status + " " + answer.statusText);
    api = await answer.json();
    show();
    document.getElementById("find").addEventListener("input", find);
  } catch (error) {
    document.getElementById("about").textContent = "The document cannot be read: " + error.message;
  }
}

load();
