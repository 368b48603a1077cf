#!/usr/bin/env bash
# Installs what the tests ask about templates and policies: two linters into `.venv`, the CDK's command line and the public
# simulator of IAM policies into `target/tools/node`; and what the engine of proofs is compared with: the solver cvc5. What
# is there already is left alone.
#
#   tools/test-env.sh
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=tools/requirements.txt
installed=.venv/requirements.txt
if ! cmp -s "$requirements" "$installed"; then
    command -v python3 >/dev/null || { echo "test-env: python3 is missing" >&2; exit 1; }
    echo "test-env: linters into .venv"
    # A virtual environment of its own: the system's Python is not ours to change.
    python3 -m venv --clear .venv || {
        echo "test-env: python3 cannot make a virtual environment; the package may be called python3-venv" >&2
        exit 1
    }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$installed"
fi

# Each version stands in one place: tests/external/cdk.sh, and the list at the top of tests/external/simulate.mjs.
packages="aws-cdk@$(sed -n 's/^version=//p' tests/external/cdk.sh)"
packages="$packages $(sed -n 's/^  "\(@cloud-copilot\/.*\)",$/\1/p' tests/external/simulate.mjs | tr '\n' ' ')"
tools=target/tools/node
if ! command -v npm >/dev/null; then
    echo "test-env: npm is missing, so the CDK's command line and the simulator are not installed" >&2
elif [ "$(cat "$tools/packages" 2>/dev/null)" != "$packages" ]; then
    echo "test-env: $packages into $tools"
    mkdir -p "$tools"
    # shellcheck disable=SC2086 # a list of packages
    npm install --prefix "$tools" --no-audit --no-fund --silent $packages
    echo "$packages" >"$tools/packages"
fi

# The solver that the engine of proofs is compared with. The system's package manager is used only where it may be.
if command -v cvc5 >/dev/null; then
    :
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "test-env: cvc5 from the system's packages"
    apt-get install --yes --quiet --no-install-recommends cvc5 >/dev/null ||
        echo "test-env: cvc5 could not be installed; tests/cvc5.rs needs it" >&2
else
    echo "test-env: cvc5 is missing and this script may not install it; tests/cvc5.rs needs it" >&2
fi
