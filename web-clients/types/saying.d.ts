/**
 * @param {string} text
 * @returns {string} without the blanks around it
 * @throws {TypeError} it can't be said
 */
export function sayable(text: string): string;
/**
 * What a viewer may say to the others. The gateway holds everybody to the same rule; told here, it costs no round trip. Pure.
 */
/** Most characters (code points) of a word. */
export const MAX_SAYING: 280;
