/** A product's picture: the stored photo where there is one, otherwise a plain drawing that is the same each time. */

import { h } from "../dom.js";

/**
 * @param {{product_id: string, photo?: string | null}} item
 * @returns {string | undefined} an address that may be kept for ever: it names the content
 */
export function photoUrl({ product_id, photo }) {
  return photo ? `products/${product_id}/photo?v=${encodeURIComponent(photo)}` : undefined;
}

/** A frame that shows one product's picture at a time. */
export class Photo {
  #shown = "";
  #letter = h("span", { "aria-hidden": "true" });
  element = h("div", { class: "photo" }, this.#letter);

  /** @param {{product_id: string, name: string, photo?: string | null}} item */
  show(item) {
    const url = photoUrl(item);
    const key = url ?? item.product_id;
    if (key === this.#shown) return;
    this.#shown = key;
    this.element.style.setProperty("--hue", String(parseInt(item.product_id.slice(0, 4), 16) % 360));
    this.#letter.textContent = item.name.trim().slice(0, 1).toUpperCase();
    this.element.querySelector("img")?.remove();
    if (url === undefined) return;
    // The drawing stays below until the photo is there, and when there is none after all.
    const image = h("img", { alt: "", loading: "lazy", decoding: "async", src: url });
    image.addEventListener("error", () => image.remove());
    this.element.append(image);
  }
}
