// Asks the CDK's own comparison of templates, `@aws-cdk/cloudformation-diff`, what becomes of resources: one JSON object
// `{ "old": …, "new": … }` per line on standard input, one answer per line on standard output, in the same order.
//
//   node tests/external/diff.mjs FOLDER <pairs.jsonl
//
// FOLDER is where npm installed it: target/tools/node. An answer says of each resource that changes what becomes of it; it is
// `null` where the comparison fails.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

import { pinned } from "./pins.mjs";

// The versions stand here and nowhere else; tools/test-env.sh reads them. What replaces is in the tables of the second.
const PINS = [
  "@aws-cdk/cloudformation-diff@2.187.5",
  "@aws-cdk/aws-service-spec@0.1.216",
];

const folder = pinned("diff.mjs", process.argv[2] ?? "target/tools/node", PINS);

const require = createRequire(resolve(folder, "..", "package.json"));
const { fullDiff } = require("@aws-cdk/cloudformation-diff");

for await (const line of createInterface({ input: process.stdin })) {
  const pair = JSON.parse(line);
  const answer = {};
  try {
    fullDiff(pair.old, pair.new).resources.forEachDifference((id, change) => {
      answer[id] = change.changeImpact;
    });
    console.log(JSON.stringify(answer));
  } catch (error) {
    // Of templates that nobody could deploy, such as a policy without a document.
    if (!(error instanceof TypeError)) throw error;
    console.log("null");
  }
}
