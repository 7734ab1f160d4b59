/**
 * Tells when a page comes back to life: the network is there again, or the tab is looked at.
 *
 * @param {() => void} onWake
 * @returns {() => void} stops telling
 */
export function watchPage(onWake: () => void): () => void;
