/**
 * `--state FILE`: where the last run ended, so that the next one goes on there.
 *
 * Cursor and products (with them the version floors) are written together, to a new file that then takes the old one's
 * name: a run that is killed leaves either the old state or the new one. The state is at most a second old while
 * changes come; what was printed within that second before a kill is printed once more.
 */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "./options.js";

/** The format of the file; another one is refused. */
const FORMAT = 1;
/** Between two writes while changes come, in ms. */
export const SAVE_EVERY_MS = 1000;

/** @typedef {import("../lib/feed.js").Checkpoint} Checkpoint */

/**
 * @param {string} path
 * @returns {Checkpoint | undefined} nothing when there is no such file yet
 * @throws {UsageError} when the file is something else
 */
export function loadState(path) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
    throw new UsageError(`--state: cannot read ${path}: ${why(error, path)}`);
  }
  try {
    const { format, checkpoint } = JSON.parse(text);
    if (format === FORMAT && Array.isArray(checkpoint.products)) return checkpoint;
  } catch {
    // Not JSON: said below.
  }
  throw new UsageError(`--state: ${path} is not a state file of echo.js; name another one, or remove it`);
}

/**
 * @param {string} path
 * @param {Checkpoint} checkpoint
 * @throws {UsageError} when the file cannot be written
 */
export function saveState(path, checkpoint) {
  const next = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(next, JSON.stringify({ format: FORMAT, checkpoint }), { mode: 0o600 });
    renameSync(next, path);
  } catch (error) {
    throw new UsageError(`--state: cannot write ${path}: ${why(error, path)}`);
  }
}

/**
 * @param {unknown} error
 * @param {string} path
 */
function why(error, path) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  switch (code) {
    case "ENOENT":
      return `there is no folder ${dirname(path)}`;
    case "ENOTDIR":
      return `${dirname(path)} is no folder`;
    case "EISDIR":
      return "that is a folder";
    case "EACCES":
    case "EPERM":
      return "no permission";
    case "ENOSPC":
      return "the disk is full";
    default:
      return message;
  }
}
