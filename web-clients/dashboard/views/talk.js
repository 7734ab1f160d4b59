/** Talk: what viewers say to each other, and a field to say something. */

import { arrange, h, text } from "../dom.js";
import { quoted, time } from "../format.js";
import { say } from "../parts/toast.js";

/** Characters of one word. */
const LONGEST = 280;

/**
 * @param {import("../main.js").World} world
 * @returns {import("../main.js").View}
 */
export function talk({ live, words }) {
  const list = h("ol", { class: "words", "aria-live": "polite", "aria-label": "What viewers say", tabindex: 0 });
  const field = h("input", { id: "word", maxlength: LONGEST, autocomplete: "off", placeholder: "Say something to everybody who looks", "aria-label": "Your word" });
  const button = h("button", { type: "submit", class: "strong" }, "Say");
  const hint = h("p", { class: "note" });
  const form = h("form", { class: "say" }, field, button);
  const element = h("div", { class: "talk" }, h("h1", null, "Talk"),
    h("p", { class: "lead" }, "A word goes to all viewers of all replicas, echo.js included, by Redis. It is not stored: who is not here does not hear it."), list, form, hint);

  const none = h("li", { class: "empty" }, "Nobody has said anything since you came.");
  /** @type {WeakMap<import("../data/words.js").Word, HTMLElement>} each is put in once: what is put into a live region is read out */
  const items = new WeakMap();
  const item = (/** @type {import("../data/words.js").Word} */ said) => {
    const { from, text: word, at, own } = said;
    const held = items.get(said) ?? h("li", { class: own ? "own" : "" }, h("span", { class: "who" }, own ? "you" : from), h("p", null, word), h("time", { datetime: at }, time(Date.parse(at))));
    items.set(said, held);
    return held;
  };
  const draw = () => {
    const down = list.scrollTop + list.clientHeight >= list.scrollHeight - 40;
    arrange(list, words.kept.length === 0 ? [none] : words.kept.map(item));
    if (down) list.scrollTop = list.scrollHeight;
  };
  const standing = () => {
    const able = live.transport === "ws";
    field.disabled = button.disabled = !able;
    if (field.value === "") field.value = words.unsaid.shift() ?? "";
    text(hint, able ? hintOf(words) : "Over SSE one can only listen: change to WebSocket in the corner to speak.");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    try {
      if (words.say(field.value)) field.value = "";
      standing();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), "bad");
    }
  });
  const unsaid = (/** @type {Event} */ event) => {
    say(`Not said: ${/** @type {CustomEvent} */ (event).detail}`, "bad");
    standing();
  };
  words.addEventListener("words", draw);
  live.addEventListener("open", standing);
  live.addEventListener("state", standing);
  words.addEventListener("waiting", standing);
  words.addEventListener("unsaid", unsaid);
  words.look(true);
  draw();
  standing();
  return {
    title: "Talk", element,
    close() {
      // what was not said yet is there again when one comes back
      if (field.value !== "") words.unsaid.unshift(field.value);
      words.look(false);
      words.removeEventListener("words", draw);
      live.removeEventListener("open", standing);
      live.removeEventListener("state", standing);
      words.removeEventListener("waiting", standing);
      words.removeEventListener("unsaid", unsaid);
    },
  };
}

/** @param {import("../data/words.js").Words} words */
function hintOf({ unsaid, waiting }) {
  if (unsaid.length > 0) return `Not said yet: ${quoted(unsaid[0] ?? "")}${unsaid.length > 1 ? ` and ${unsaid.length - 1} more` : ""}. One after the other they come back into the field.`;
  if (waiting.length > 0) return `One moment: ${waiting.length} of your words ${waiting.length === 1 ? "waits" : "wait"}, five a second are heard.`;
  return "1 to 280 characters, five words a second. From a shell: node web-clients/echo.js --chat";
}
