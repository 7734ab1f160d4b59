/** Dead letters: what could not be read or written, why, and sending it back. */

import { ask } from "../data/api.js";
import { fill, h, text } from "../dom.js";
import { ago, compact, count, dayTime } from "../format.js";
import { say } from "../parts/toast.js";
import { tokenField } from "../parts/token.js";

/**
 * @typedef {{partition: number, offset: number, source: string, reason: string, error: string, at: string, replica: string, recorded_ms: number | null,
 *   redrives: number, cut: number | null, key: string | null, headers: Record<string, string | null>, value_bytes: number | null, value: string | null}} Letter
 */

/** Letters that are listed. */
const LISTED = 100;
/** A list is asked for so often at most, in ms, however many come. */
const AGAIN_MS = 1000;

/** What each reason means, in a few words. @type {Record<string, string>} */
const REASONS = {
  empty: "no bytes", tombstone: "a null value", too_large: "longer than 64 KiB", not_utf8: "not UTF-8", not_json: "not JSON", duplicate_key: "a field stands twice",
  missing_field: "a field is missing", wrong_type: "a field has another type", out_of_range: "a field is outside its rule", key_mismatch: "the key is another product",
  unknown_type: "another kind of event", unknown_version: "a version that is not known", conflict: "this version exists already, by another event", rejected: "the database refused it",
};

/**
 * @param {import("../main.js").World} world
 * @returns {import("../main.js").View}
 */
export function letters({ fleet, admin }) {
  const told = h("p", { class: "told", role: "status" }, "Reading …");
  const list = h("ol", { class: "letters-list" });
  const element = h("div", { class: "letters" }, h("h1", null, "Dead letters"),
    h("p", { class: "lead" }, "A record that is no change never blocks those behind it. It is kept here with the reason, for 14 days, and can be sent back, corrected or as it was."),
    told, list, tokenField(admin));
  /** @type {Map<string, HTMLElement>} those that are shown, so that an open one stays open */
  const shown = new Map();
  let asking = false, again = false, closed = false;

  const load = async () => {
    if (asking) return void (again = true);
    asking = true;
    try {
      const answer = await ask(`dead-letters?limit=${LISTED}`);
      if (closed) return;
      /** @type {Letter[]} */
      const all = answer.letters;
      const of = (/** @type {Letter} */ { partition, offset }) => `${partition}/${offset}`;
      const wanted = new Set(all.map(of));
      for (const key of shown.keys()) if (!wanted.has(key)) shown.delete(key);
      for (const letter of all) if (!shown.has(of(letter))) shown.set(of(letter), item(letter, admin));
      fill(list, ...all.map((letter) => shown.get(of(letter))));
      text(told, all.length === 0 ? "" : `${count(all.length)}${all.length === LISTED ? " newest" : ""}. New ones appear here by themselves.`);
      if (all.length === 0) fill(list, h("li", { class: "empty" }, "None. Every record so far could be read and written."));
    } catch (error) {
      text(told, `They can't be read now: ${error instanceof Error ? error.message : error}`);
    }
    setTimeout(() => {
      asking = false;
      if (again && !closed) load();
      again = false;
    }, AGAIN_MS);
  };
  fleet.addEventListener("letters", load);
  const far = fleet.near();
  load();
  return {
    title: "Dead letters", element,
    close() {
      closed = true;
      far();
      fleet.removeEventListener("letters", load);
    },
  };
}

/**
 * @param {Letter} letter
 * @param {import("../data/admin.js").Admin} admin
 */
function item(letter, admin) {
  const { partition, offset, source, reason, error, at, replica, redrives, cut, key, headers, value, value_bytes, recorded_ms } = letter;
  const when = Date.parse(at);
  const field = h("textarea", { rows: 8, spellcheck: "false", "aria-label": "Value to send back" });
  field.value = pretty(value);
  const was = field.value;
  const back = h("button", { type: "button", class: "strong" }, "Send back");
  back.addEventListener("click", async () => {
    back.disabled = true;
    try {
      const body = field.value === was && cut === null ? undefined : { value: compactJson(field.value) };
      const answer = await ask(`dead-letters/${partition}/${offset}/redrive`, { method: "POST", token: admin.token, body });
      say(`Sent back for the ${answer.redrives === 1 ? "first" : `${answer.redrives}th`} time: what becomes of it shows here or on the shelf`);
    } catch (problem) {
      say(`Not sent back: ${problem instanceof Error ? problem.message : problem}`, "bad");
    }
    back.disabled = false;
  });
  const rows = [["Source", source], ["Key", key ?? "none"], ["Read by", replica], ["Produced", recorded_ms ? dayTime(recorded_ms) : "–"], ["Sent back", redrives === 0 ? "never" : `${count(redrives)} times`],
    ["Value", value_bytes === null ? "null" : `${compact(value_bytes)} bytes${cut === null ? "" : `, cut from ${compact(cut)}`}`]];
  const details = h("details", null,
    h("summary", null, h("b", { class: "reason" }, reason), h("span", { class: "why" }, REASONS[reason] ?? ""), h("code", null, source), h("time", { datetime: at, title: Number.isNaN(when) ? "" : dayTime(when) }, Number.isNaN(when) ? "" : ago(Date.now() - when))),
    h("div", { class: "inside" }, h("p", { class: "error" }, error),
      h("dl", null, ...rows.flatMap(([word, what]) => [h("dt", null, word), h("dd", null, what)]), ...Object.entries(headers).flatMap(([name, what]) => [h("dt", null, h("code", null, name)), h("dd", null, what ?? "null")])),
      field, h("p", { class: "row" }, back, h("span", { class: "note" }, "Correct the value above, or send it as it was. Needs the admin token below."))));
  return h("li", null, details);
}

/** @param {string | null} value JSON is laid out, anything else shown as it is */
function pretty(value) {
  try {
    return JSON.stringify(JSON.parse(value ?? ""), null, 2);
  } catch {
    return value ?? "";
  }
}

/** @param {string} value */
function compactJson(value) {
  try {
    return JSON.stringify(JSON.parse(value));
  } catch {
    return value;
  }
}
