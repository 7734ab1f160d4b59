/** The page of addresses: lists what openapi.json describes, as text; a link for each kind of problem. */

import { byId, fill, h } from "./dom.js";

/** @typedef {Record<string, any>} Part of the document */

const METHODS = ["get", "head", "put", "post", "delete"];

/**
 * What a reference leads to, within the document.
 * @param {Part} document
 * @param {Part} part
 * @returns {Part}
 */
function led(document, part) {
  if (typeof part.$ref !== "string" || !part.$ref.startsWith("#/")) return part;
  return part.$ref.slice(2).split("/").reduce((at, name) => at[name.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

/** What a value must be, in a few words. @param {Part} schema */
function rule({ type, minimum, maximum, default: byDefault, enum: values }) {
  const words = [];
  if (values) words.push(values.length > 6 ? "one of a list" : values.join(", "));
  else if (type) words.push([type].flat().join(" or "));
  if (maximum !== undefined) words.push(`${minimum} to ${maximum}`);
  if (byDefault !== undefined) words.push(`default ${byDefault}`);
  return words.join(", ");
}

/** @param {string} path @param {string} method @param {Part} operation @param {Part[]} shared @param {Part} document */
function described(path, method, operation, shared, document) {
  const parameters = [...shared, ...(operation.parameters ?? [])].map((part) => led(document, part));
  if (operation.requestBody) {
    const { description, content } = operation.requestBody;
    parameters.push({ name: "body", in: Object.keys(content).join(", "), description, schema: {} });
  }
  const given = parameters.flatMap(({ name, in: where, description, schema }) =>
    [h("dt", null, name), h("dd", null, [`${description} (${where}`, rule(led(document, schema))].filter(Boolean).join("; "), ")")]);
  const answers = Object.entries(operation.responses).flatMap(([status, part]) => [h("dt", null, status), answer(led(document, part))]);
  return h("details", { id: operation.operationId },
    h("summary", null, h("b", null, method.toUpperCase()), h("code", null, path), h("span", null, operation.summary)),
    h("div", null,
      operation.description && h("p", null, operation.description),
      operation.security && h("p", null, "Needs the admin token: ", h("code", null, "Authorization: Bearer TOKEN")),
      given.length > 0 && h("dl", null, ...given),
      h("dl", null, ...answers)));
}

/** @param {Part} response */
function answer({ description, content }) {
  const kinds = Object.keys(content?.["application/problem+json"]?.examples ?? {});
  const links = kinds.flatMap((kind) => [" ", h("a", { href: `/problems/${kind}` }, kind)]);
  return h("dd", null, description, ...links);
}

/** @param {Part} document */
function addresses(document) {
  const all = Object.entries(document.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method])
    .map((method) => ({ path, method, operation: item[method], shared: item.parameters ?? [] })));
  const sections = document.tags.flatMap((/** @type {Part} */ { name, description }) => [
    h("h2", null, name), h("p", { class: "note" }, description),
    ...all.filter(({ operation }) => operation.tags.includes(name))
      .map(({ path, method, operation, shared }) => described(path, method, operation, shared, document))]);
  return [h("p", { class: "about" }, document.info.description), ...sections];
}

const place = byId("addresses");
try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`status ${response.status}`);
  fill(place, ...addresses(await response.json()));
} catch (error) {
  fill(place, h("p", { class: "empty" }, `openapi.json can't be read: ${error}`));
}
