export class Awaited {
    /** Whether something is awaited. */
    get any(): boolean;
    /** A new connection asks for everything. */
    connecting(): void;
    /** @param {Iterable<string> | "all"} ids */
    add(ids: Iterable<string> | "all"): void;
    /** @param {Iterable<string>} ids followed no more */
    drop(ids: Iterable<string>): void;
    /**
     * A snapshot page came.
     * @param {import("./frames.js").SnapshotPage} page
     */
    page({ products, last }: import("./frames.js").SnapshotPage): void;
    #private;
}
