#!/bin/sh
# Asks the CDK's own command line whether it takes an assembly: lists its stacks and shows one of them.
#
#   tests/external/cdk.sh [ASSEMBLY [STACK]]
#
# Without arguments the example's assembly is written and checked. Needs Node, and npm once, to fetch the command
# line into target/tools/node.
set -eu
version=2.1148.1
cd "$(dirname "$0")/../.."
tools=target/tools/node
cdk=$tools/node_modules/.bin/cdk
if [ ! -x "$cdk" ] || [ "$("$cdk" --version | cut -d' ' -f1)" != "$version" ]; then
    mkdir -p "$tools"
    npm install --prefix "$tools" --no-audit --no-fund --silent "aws-cdk@$version"
fi
export CDK_DISABLE_CLI_TELEMETRY=1

if [ $# -gt 0 ]; then
    assembly=$1
    stack=${2-}
else
    assembly=target/external/assembly
    mkdir -p target/external
    cargo run --quiet --example assembly -- "$assembly" 6
    stack=tenants/t-000003
fi

fail() {
    echo "cdk.sh: $1" >&2
    exit 1
}

before=$(cat "$assembly/tenantry.json" "$assembly/manifest.json" | cksum)
listed=$("$cdk" ls --app "$assembly" --no-notices)
count=$(printf '%s\n' "$listed" | grep -c .)
written=$(grep -c '"type":"aws:cloudformation:stack"' "$assembly/manifest.json")
[ "$count" -eq "$written" ] || fail "$written stacks were written and $count are listed"
[ -n "$stack" ] || stack=$(printf '%s\n' "$listed" | tail -n 1)
"$cdk" synth --app "$assembly" --no-notices "$stack" | grep -q '^Resources:' || fail "cannot show $stack"
[ "$(cat "$assembly/tenantry.json" "$assembly/manifest.json" | cksum)" = "$before" ] || fail "the assembly was changed"
echo "cdk $version lists $count stacks and shows $stack"
