/** The most characters that one event may have; a snapshot page is far below. */
export const MAX_EVENT: number;
/**
 * @typedef {object} SseEvent
 * @property {string} type `message` when the stream names none
 * @property {string} data
 * @property {string} id the last id seen on the stream; empty before the first
 */
/** Reads one stream; make a new one for each connection. */
export class SseParser {
    /** @param {(event: SseEvent) => void} onEvent */
    constructor(onEvent: (event: SseEvent) => void);
    /**
     * Takes the next piece of decoded text.
     * @param {string} chunk
     */
    push(chunk: string): void;
    #private;
}
export type SseEvent = {
    /**
     * `message` when the stream names none
     */
    type: string;
    data: string;
    /**
     * the last id seen on the stream; empty before the first
     */
    id: string;
};
