/**
 * What changes on the screen, once per animation frame: whatever came between two frames becomes one update. A hidden tab
 * has no frames, so there the work waits, one entry a key.
 */

/** @type {Map<unknown, () => void>} */
const waiting = new Map();
let asked = false;

/**
 * @param {unknown} key what is drawn: a second call before the frame replaces the first
 * @param {() => void} draw
 */
export function paint(key, draw) {
  waiting.set(key, draw);
  if (asked) return;
  asked = true;
  requestAnimationFrame(flush);
}

function flush() {
  const now = [...waiting.values()];
  waiting.clear();
  asked = false;
  for (const draw of now) {
    try {
      draw();
    } catch (error) {
      // One view's mistake does not stop the others.
      console.error(error);
    }
  }
}
