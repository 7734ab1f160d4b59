/** Writes the declarations of lib/ to types/ (`npm run types`), or to the folder that is named. */

import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** @param {string} folder */
export function writeTypes(folder) {
  execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}tsconfig.lib.json`, "--outDir", folder], { stdio: "inherit" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? `${root}types`;
  rmSync(folder, { recursive: true, force: true });
  writeTypes(folder);
}
