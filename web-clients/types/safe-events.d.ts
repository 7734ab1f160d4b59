/**
 * An `EventTarget` whose listeners cannot stop it.
 *
 * In Node a listener that throws ends the whole process; in a browser it is only reported. A feed must go on in both:
 * what a listener throws (or rejects with) is handed to `listenerThrew`.
 */
/** @typedef {(event: any) => unknown} Listener */
export class SafeEvents extends EventTarget {
    /**
     * For the class that extends this one.
     * @protected
     * @param {string} _type the event
     * @param {unknown} error
     */
    protected listenerThrew(_type: string, error: unknown): void;
    /**
     * @param {string} type
     * @param {Listener | {handleEvent: Listener} | null} listener
     * @param {boolean | AddEventListenerOptions} [options]
     */
    addEventListener(type: string, listener: Listener | {
        handleEvent: Listener;
    } | null, options?: boolean | AddEventListenerOptions): void;
    /**
     * @param {string} type
     * @param {Listener | {handleEvent: Listener} | null} listener
     * @param {boolean | EventListenerOptions} [options]
     */
    removeEventListener(type: string, listener: Listener | {
        handleEvent: Listener;
    } | null, options?: boolean | EventListenerOptions): void;
    #private;
}
export type Listener = (event: any) => unknown;
