/**
 * What a viewer may say to the others. The gateway holds everybody to the same rule; told here, it costs no round trip. Pure.
 */

/** Most characters (code points) of a word. */
export const MAX_SAYING = 280;

/**
 * @param {string} text
 * @returns {string} without the blanks around it
 * @throws {TypeError} it can't be said
 */
export function sayable(text) {
  const word = text.trim();
  // Half of a pair (\p{Cs}) is no character, and could not be sent as UTF-8.
  if (word === "" || [...word].length > MAX_SAYING || /[\p{Cc}\p{Cs}]/u.test(word)) {
    throw new TypeError(`a word has 1 to ${MAX_SAYING} characters and no control characters`);
  }
  return word;
}
