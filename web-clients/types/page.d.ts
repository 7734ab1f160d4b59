/**
 * Tells when a page comes back to life (the network is there again, or the tab is looked at), and when its network is lost.
 *
 * @param {{wake: () => void, doubt: () => void}} link
 * @returns {() => void} stops telling
 */
export function watchPage({ wake, doubt }: {
    wake: () => void;
    doubt: () => void;
}): () => void;
