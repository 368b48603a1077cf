// What the CDK's library says of the differences between templates, for tests/diff.rs.
//
//   node tests/external/diff.mjs FILE
//
// FILE is JSON: a list of [old, new]. Standard output is a list, for each pair an object from the logical id of a resource
// to its impact: WILL_CREATE, WILL_UPDATE, MAY_REPLACE, WILL_REPLACE, WILL_DESTROY, WILL_ORPHAN. The library is licensed
// under Apache-2.0.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const version = "VERSION";
const folder = new URL("../../target/tools/node/", import.meta.url);
const require = createRequire(new URL("package.json", folder));
const found = require("@aws-cdk/cloudformation-diff/package.json").version;
if (found !== version) {
  throw new Error(`@aws-cdk/cloudformation-diff is ${found}, and ${version} is wanted: run tools/test-env.sh`);
}
const { fullDiff } = require("@aws-cdk/cloudformation-diff");

const pairs = JSON.parse(readFileSync(process.argv[2], "utf8"));
const answers = pairs.map(([old, fresh]) => {
  const impacts = {};
  fullDiff(old, fresh).resources.forEachDifference((id, change) => {
    if (change.changeImpact !== "NO_CHANGE") impacts[id] = change.changeImpact;
  });
  return impacts;
});
process.stdout.write(JSON.stringify(answers));
