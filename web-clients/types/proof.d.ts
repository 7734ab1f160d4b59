/** The books of one feed. */
export class Proof {
    /** @returns {ProofCounts} a copy */
    get counts(): ProofCounts;
    /** True while no version was missed and none went back. */
    get holds(): boolean;
    /** True once a whole snapshot was taken. */
    get complete(): boolean;
    /** Products whose next break is announced: without them who takes up these books would count it as a hole. */
    get excused(): string[];
    /**
     * Takes up the books of an earlier run.
     * @param {Iterable<{product_id: string, version: number}>} products
     * @param {boolean} complete
     * @param {Iterable<string>} [excused]
     */
    restore(products: Iterable<{
        product_id: string;
        version: number;
    }>, complete: boolean, excused?: Iterable<string>): void;
    /** @param {boolean} withCursor whether the new connection asks to be continued */
    connecting(withCursor: boolean): void;
    /** @param {{resumed: boolean, reset: boolean}} hello */
    hello({ resumed, reset }: {
        resumed: boolean;
        reset: boolean;
    }): void;
    /** @param {string} productId named by a gap frame */
    gap(productId: string): void;
    /**
     * The client widened what it follows. What it did not follow before may have moved on meanwhile.
     * @param {Set<string> | "all"} now
     * @param {Set<string> | "all"} before
     */
    asked(now: Set<string> | "all", before: Set<string> | "all"): void;
    /**
     * @param {string} productId
     * @param {number} from
     * @param {number} version
     * @returns {Verdict}
     */
    frame(productId: string, from: number, version: number): Verdict;
    /** @param {boolean} reset what the page says; to be told before its rows */
    page(reset: boolean): void;
    /**
     * One product of a snapshot page.
     * @param {string} productId
     * @param {number} version
     * @returns {Verdict}
     */
    row(productId: string, version: number): Verdict;
    /** The last page of a snapshot was taken: from here on every break counts again. */
    lastPage(): void;
    #private;
}
export type ProofCounts = {
    /**
     * product frames that came
     */
    frames: number;
    /**
     * versions in holes
     */
    missed: number;
    /**
     * frames or snapshot rows below one sent before on the same connection
     */
    regressions: number;
    /**
     * frames that were dropped since their version was held
     */
    duplicates: number;
    /**
     * how often the server said that it could not continue, and sent a snapshot
     */
    resets: number;
    /**
     * how often it continued at the cursor
     */
    resumes: number;
};
/**
 * `taken`: above the floor; `behind`: below it
 */
export type Verdict = {
    taken: boolean;
    missed: number;
    regression: boolean;
    behind: boolean;
};
