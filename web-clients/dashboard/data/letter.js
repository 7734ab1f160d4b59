/** A dead letter's value on its way to a person and back: what was not touched is never sent, and nothing is lost by laying it out. */

/**
 * @param {string | null} value
 * @returns {string} laid out where that can be undone; a field that stands twice or a number that JavaScript can't hold would
 *   be gone, so such a value shows as it is
 */
export function layOut(value) {
  if (value === null) return "";
  try {
    const parsed = JSON.parse(value);
    return JSON.stringify(parsed) === value ? JSON.stringify(parsed, null, 2) : value;
  } catch {
    return value;
  }
}

/**
 * @param {string | null} value of the letter, all of it
 * @param {string} shown what the field held at first
 * @param {string} now what it holds
 * @returns {string | undefined} the value to send instead of the letter's own; undefined: nobody corrected it
 */
export function corrected(value, shown, now) {
  if (now === shown) return undefined;
  // What was laid out here goes back without the layout; texts within it stay as they are.
  return value !== null && layOut(value) !== value && isJson(now) ? now.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1") : now;
}

/** @param {string} value */
function isJson(value) {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
