/**
 * Tells when a page comes back to life (the network is there again, or the tab is looked at), and when its network is lost.
 *
 * @param {{wake: () => void, doubt: () => void}} link
 * @returns {() => void} stops telling
 */
export function watchPage({ wake, doubt }) {
  const page = /** @type {Partial<Pick<typeof globalThis, "document" | "addEventListener" | "removeEventListener">>} */ (globalThis);
  if (page.document === undefined) return () => {};
  const { document } = page;
  const seen = () => document.visibilityState === "visible" && wake();
  globalThis.addEventListener("online", wake);
  globalThis.addEventListener("offline", doubt);
  document.addEventListener("visibilitychange", seen);
  return () => {
    globalThis.removeEventListener("online", wake);
    globalThis.removeEventListener("offline", doubt);
    document.removeEventListener("visibilitychange", seen);
  };
}
