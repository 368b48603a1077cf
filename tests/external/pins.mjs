// Holds what npm installed against the versions that a script was written for.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/// Where packages lie that npm installed into a folder. Ends the script with code 3, and says so in its name, if one of the pins
/// (`name@version`) is not there in its version.
export function pinned(script, folder, pins) {
  const modules = resolve(folder, "node_modules");
  for (const pin of pins) {
    const at = pin.lastIndexOf("@");
    const [name, version] = [pin.slice(0, at), pin.slice(at + 1)];
    let found = "none";
    try {
      found = JSON.parse(readFileSync(resolve(modules, name, "package.json"), "utf8")).version;
    } catch {
      // Reported below.
    }
    if (found !== version) {
      console.error(`${script}: ${name} ${version} is needed and ${found} is installed: run tools/test-env.sh`);
      process.exit(3);
    }
  }
  return modules;
}
