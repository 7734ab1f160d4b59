/**
 * An `EventTarget` whose listeners cannot stop it.
 *
 * In Node a listener that throws ends the whole process; in a browser it is only reported. A feed must go on in both:
 * what a listener throws (or rejects with) is handed to `listenerThrew`.
 */

/** @typedef {(event: any) => unknown} Listener */

export class SafeEvents extends EventTarget {
  /** @type {WeakMap<object, Listener>} */
  #wrapped = new WeakMap();

  /**
   * For the class that extends this one.
   * @protected
   * @param {string} _type the event
   * @param {unknown} error
   */
  listenerThrew(_type, error) {
    console.error(error);
  }

  /**
   * @param {string} type
   * @param {Listener | {handleEvent: Listener} | null} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    if (listener !== null) super.addEventListener(type, this.#wrap(listener), options);
  }

  /**
   * @param {string} type
   * @param {Listener | {handleEvent: Listener} | null} listener
   * @param {boolean | EventListenerOptions} [options]
   */
  removeEventListener(type, listener, options) {
    if (listener !== null) super.removeEventListener(type, this.#wrap(listener), options);
  }

  /** @param {Listener | {handleEvent: Listener}} listener */
  #wrap(listener) {
    let wrapped = this.#wrapped.get(listener);
    if (wrapped === undefined) {
      wrapped = (event) => {
        try {
          const result = typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event);
          if (result instanceof Promise) result.catch((error) => this.listenerThrew(event.type, error));
        } catch (error) {
          this.listenerThrew(event.type, error);
        }
      };
      this.#wrapped.set(listener, wrapped);
    }
    return wrapped;
  }
}
