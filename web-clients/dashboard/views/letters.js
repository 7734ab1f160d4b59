/** Dead letters: what could not be read or written, why, and sending it back. */

import { ask } from "../data/api.js";
import { corrected, layOut } from "../data/letter.js";
import { arrange, h, text } from "../dom.js";
import { ago, compact, count, dayTime, ordinal } from "../format.js";
import { paint } from "../paint.js";
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
/** How old a letter is, is told anew so often, in ms. */
const TICK_MS = 1000;
/** @type {Map<string, number>} how often each letter was sent back since this page was opened: the letter itself stays as it is */
const sent = new Map();

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
  const none = h("li", { class: "empty" }, "None. Every record so far could be read and written.");
  /** @type {Map<string, ReturnType<typeof item>>} those that are shown: an open one stays, and what is typed in it, also when newer ones push it off the list */
  const shown = new Map();
  let asking = false, again = false, closed = false;

  const tick = () => {
    for (const { tick } of shown.values()) tick();
  };
  const load = async () => {
    if (asking) return void (again = true);
    asking = true;
    try {
      const answer = await ask(`dead-letters?limit=${LISTED}`);
      if (closed) return;
      /** @type {Letter[]} */
      const all = answer.letters;
      const wanted = new Set(all.map(of));
      const older = [...shown].filter(([key]) => !wanted.has(key));
      for (const [key, { details }] of older) if (!details.open) shown.delete(key);
      for (const letter of all) if (!shown.has(of(letter))) shown.set(of(letter), item(letter, admin));
      const elements = [...wanted, ...older.map(([key]) => key)].flatMap((key) => shown.get(key)?.element ?? []);
      arrange(list, elements.length === 0 ? [none] : elements);
      tick();
      text(told, all.length === 0 ? "" : `${all.length === LISTED ? `The ${count(LISTED)} newest letters` : all.length === 1 ? "1 letter" : `${count(all.length)} letters`}. New ones appear here by themselves.`);
    } catch (error) {
      text(told, `They can't be read now: ${error instanceof Error ? error.message : error}`);
      // the next event may be far away
      again = true;
    }
    setTimeout(() => {
      asking = false;
      if (again && !closed) load();
      again = false;
    }, AGAIN_MS);
  };
  fleet.addEventListener("letters", load);
  admin.addEventListener("token", tick);
  const far = fleet.near();
  const ticking = setInterval(() => paint("letters", tick), TICK_MS);
  load();
  return {
    title: "Dead letters", element,
    close() {
      closed = true;
      clearInterval(ticking);
      far();
      fleet.removeEventListener("letters", load);
      admin.removeEventListener("token", tick);
    },
  };
}

/** @param {Letter} letter where it lies */
const of = ({ partition, offset }) => `${partition}/${offset}`;

/**
 * @param {Letter} letter as the list has it: perhaps with the beginning of its value only
 * @param {import("../data/admin.js").Admin} admin
 */
function item(letter, admin) {
  const { source, reason, error, at, replica, redrives, cut, key, headers, value_bytes, recorded_ms } = letter;
  const when = Date.parse(at);
  const field = h("textarea", { rows: 8, spellcheck: "false", "aria-label": "Value to send back", placeholder: "Reading …", disabled: true });
  const age = h("time", { datetime: at, title: Number.isNaN(when) ? "" : dayTime(when) });
  const times = h("dd"), note = h("span", { class: "note" });
  const back = h("button", { type: "button", class: "strong" }, "Send back");
  const tick = () => {
    back.disabled = !admin.token;
    back.title = admin.token ? "" : "needs the admin token";
    text(note, admin.token ? "Correct the value above, or send it as it was." : "Sending it back needs the admin token, below the list.");
    text(age, Number.isNaN(when) ? "" : ago(Date.now() - when));
    const n = redrives + (sent.get(of(letter)) ?? 0);
    text(times, n === 0 ? "never" : n === 1 ? "once" : `${count(n)} times`);
  };
  /** @type {{value: string | null, shown: string} | undefined} the whole value, and as the field shows it */
  let read;
  const readAll = async () => {
    if (!details.open || read) return;
    try {
      const { value } = await ask(`dead-letters/${of(letter)}`);
      if (read) return;
      field.value = layOut(value);
      // as the field gives it back: it has its own ends of lines
      read = { value, shown: field.value };
      field.disabled = false;
    } catch (problem) {
      field.placeholder = `It can't be read now: ${problem instanceof Error ? problem.message : problem}`;
    }
  };
  let sending = false;
  back.addEventListener("click", async () => {
    if (sending) return;
    sending = true;
    try {
      const value = read && corrected(read.value, read.shown, field.value);
      const answer = await ask(`dead-letters/${of(letter)}/redrive`, { method: "POST", token: admin.token, body: value === undefined ? undefined : { value } });
      const n = (sent.get(of(letter)) ?? 0) + 1;
      sent.set(of(letter), n);
      tick();
      // The server counts from the letter, which does not know that it was sent back.
      say(`Sent back for the ${ordinal(answer.redrives + n - 1)} time: what becomes of it shows here or on the shelf`);
    } catch (problem) {
      say(`Not sent back: ${problem instanceof Error ? problem.message : problem}`, "bad");
    }
    sending = false;
  });
  const rows = [["Source", source], ["Key", key ?? "none"], ["Read by", replica], ["Produced", recorded_ms ? dayTime(recorded_ms) : "–"],
    ["Value", value_bytes === null ? "null" : `${compact(value_bytes)} bytes${cut === null ? "" : `, cut from ${compact(cut)}`}`]];
  const details = h("details", { on: { toggle: readAll } },
    h("summary", null, h("b", { class: "reason" }, reason), h("span", { class: "why" }, REASONS[reason] ?? ""), h("code", null, source), age),
    h("div", { class: "inside" }, h("p", { class: "error" }, error),
      h("dl", null, ...rows.flatMap(([word, what]) => [h("dt", null, word), h("dd", null, what)]), h("dt", null, "Sent back"), times,
        ...Object.entries(headers).flatMap(([name, what]) => [h("dt", null, h("code", null, name)), h("dd", null, what ?? "null")])),
      field, h("p", { class: "row" }, back, note)));
  tick();
  return { element: h("li", null, details), details, tick };
}
