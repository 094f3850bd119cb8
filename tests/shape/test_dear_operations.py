"""What signs, or turns a password into a power, is what `gate.py` calls dear: no more, no less."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cenote.app import load_operations
from cenote.gate import DEAR_OPERATIONS

SOURCE = Path(__file__).parents[2] / "src"
DEAR = {"verifier_of", "is_password", "public_value"}  # and whatever asks the gate

Named = tuple[str, str]  # a module and a name in it


@cache
def names_of(module: str) -> dict[str, list[ast.AST]]:
    """What each name at the top of a module stands for."""
    file = SOURCE / Path(*module.split("."))
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    found: dict[str, list[ast.AST]] = {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ImportFrom):
            given = [one.asname or one.name for one in node.names] if isinstance(node, ast.ImportFrom) else []
            for name in given or [getattr(node, "name", "")]:
                found.setdefault(name, []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node)
    return found


def mentioned(module: str, node: ast.AST) -> Iterator[Named]:
    """Whatever of the house a piece of a module speaks of."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield from resolved(module, part.id)
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            for owner, name in resolved(module, part.value.id):
                yield from resolved(f"{owner}.{name}", part.attr)


def resolved(module: str, name: str) -> Iterator[Named]:
    """Where a name comes from."""
    if not (SOURCE / Path(*module.split("."))).with_suffix(".py").exists():
        return
    for node in names_of(module).get(name, []):
        if not isinstance(node, ast.ImportFrom):
            yield module, name
        elif (node.module or "").startswith("cenote"):
            yield f"{node.module}", next(one.name for one in node.names if (one.asname or one.name) == name)


def is_dear(start: Named) -> bool:
    """Whether what this name stands for, or anything that it speaks of, is dear."""
    waiting, seen = [start], {start}
    while waiting:
        module, name = waiting.pop()
        if name in DEAR:
            return True
        if not module.startswith("cenote.operations"):
            continue
        for node in names_of(module).get(name, []):
            if "services.gate" in ast.unparse(node):
                return True
            following = set(mentioned(module, node)) - seen
            seen |= following
            waiting += following
    return False


def test_every_dear_operation_is_known_as_such_by_its_name() -> None:
    operations = load_operations()
    found = {
        name
        for name, serve in operations.items()
        if is_dear((serve.__module__, getattr(serve, "__wrapped__", serve).__name__))
    }
    assert found == DEAR_OPERATIONS
