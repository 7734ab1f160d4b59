/** The map of partitions in a terminal: a row a replica, a column a partition; what just moved stands out. */

/** @typedef {{replica: string, partitions: number[], lag: number, viewers: number}} Replica */

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const COLOURS = [34, 33, 32, 35, 31, 36];

/** Partitions of the topic. */
const COUNT = 12;

/**
 * Whether each partition has one owner, and nobody has more than his share.
 * @param {Replica[]} replicas
 */
export function settled(replicas) {
  const owned = replicas.flatMap(({ partitions }) => partitions);
  const most = Math.ceil(COUNT / Math.max(1, replicas.length));
  return owned.length === COUNT && new Set(owned).size === COUNT && replicas.every(({ partitions }) => partitions.length <= most);
}

/**
 * @param {Replica[]} replicas
 * @param {Replica[]} before
 * @returns {string}
 */
export function draw(replicas, before) {
  const had = new Map(before.flatMap(({ replica, partitions }) => partitions.map((partition) => [partition, replica])));
  const cell = (/** @type {Replica} */ { replica, partitions }, /** @type {number} */ partition, /** @type {number} */ row) => {
    if (!partitions.includes(partition)) return " · ";
    const mark = had.get(partition) === replica ? " ■ " : " ◆ ";
    return colour ? `\x1b[${COLOURS[row % COLOURS.length]}m${mark}\x1b[0m` : mark;
  };
  const names = [...replicas].sort((a, b) => a.replica.localeCompare(b.replica, undefined, { numeric: true }));
  const width = Math.max(9, ...names.map(({ replica }) => replica.length));
  const head = `  ${"".padEnd(width)} ${Array.from({ length: COUNT }, (_, n) => String(n).padStart(2) + " ").join("")}\n`;
  return head + names.map((replica, row) =>
    `  ${replica.replica.padEnd(width)} ${Array.from({ length: COUNT }, (_, n) => cell(replica, n, row)).join("")} ${replica.viewers} viewers\n`).join("")
    + (names.some(({ partitions, replica }) => partitions.some((n) => had.get(n) !== replica)) ? `  ${"".padEnd(width)} ◆ moved\n` : "");
}
