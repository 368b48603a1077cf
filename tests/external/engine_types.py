"""What an engine does with resource types of CloudFormation, asked of the engine's own code: a JSON object on standard output.

    target/tools/moto/bin/python tests/external/engine_types.py moto
    target/tools/localstack/bin/python tests/external/engine_types.py localstack

`ignored` is what is not in the object; `made` can be made and deleted, and a change of it is reported as done and not done;
`updated` has code for changes, which need not be for all of them.
"""

import ast
import importlib.metadata
import inspect
import json
import sys
import textwrap


def has_body(function) -> bool:
    """Whether a method does more than say that it is not there."""
    body = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    steps = [step for step in body if not (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))]
    return not (len(steps) == 1 and isinstance(steps[0], ast.Raise))


def moto() -> dict:
    # Its parser imports all models, and asks a model whether it can be updated in the same way.
    from moto.cloudformation import parsing

    types = {}
    for name, model in parsing.get_model_map().items():
        update = model.update_from_cloudformation_json
        known = not getattr(update, "__isabstractmethod__", False) and has_body(update)
        types[name] = "updated" if known else "made"
    return types


def localstack() -> dict:
    from localstack.services.cloudformation.resource_provider import plugin_manager

    types = {}
    for name in plugin_manager.list_names():
        factory = plugin_manager.load(name).factory
        if factory is not None:
            types[name] = "updated" if has_body(factory.update) else "made"
    return types


engine = sys.argv[1]
package = {"moto": "moto", "localstack": "localstack-core"}[engine]
found = {"moto": moto, "localstack": localstack}[engine]()
json.dump({"version": importlib.metadata.version(package), "types": found}, sys.stdout, sort_keys=True, indent=1)
