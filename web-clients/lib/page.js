/**
 * Tells when a page comes back to life: the network is there again, or the tab is looked at.
 *
 * @param {() => void} onWake
 * @returns {() => void} stops telling
 */
export function watchPage(onWake) {
  const page = /** @type {Partial<Pick<typeof globalThis, "document" | "addEventListener" | "removeEventListener">>} */ (globalThis);
  if (page.document === undefined) return () => {};
  const { document } = page;
  const seen = () => document.visibilityState === "visible" && onWake();
  globalThis.addEventListener("online", onWake);
  document.addEventListener("visibilitychange", seen);
  return () => {
    globalThis.removeEventListener("online", onWake);
    document.removeEventListener("visibilitychange", seen);
  };
}
