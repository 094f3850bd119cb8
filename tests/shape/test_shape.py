"""The house rules that a machine can keep.  A test lists every offender, so that one run shows them all."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "cenote"
FILES = sorted(HOUSE.rglob("*.py"))

FUNCTION_LINES_MAX = 60
FUNCTION_LINES_MEDIAN_MAX = 12
MODULE_LINES_MAX = 400
LINE_CHARACTERS_MAX = 110
POSITIONAL_ARGUMENTS_MAX = 5

# What may break a rule, and why: (rule, offender) -> reason.  An entry that nothing needs any more fails too.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("pure domain", "domain/powers.py imports gmpy2"): "arithmetic is pure, and eight times as fast",
    ("pure domain", "domain/srp.py imports gmpy2"): "arithmetic is pure, and eight times as fast",
    **{
        ("positional arguments", f"cli/main.py:{command}"): "typer reads a flag from each parameter"
        for command in ("doctor", "restore", "serve")
    },
}

# Imports go down only.  A part may import itself and what is named here.
FOR_ALL = {"errors", "log", "registry", "services", "settings"}
BELOW = {"domain", "errors", "folders", "log", "turns"}
WAYS_OUT = {"store", "vault", "triggers", "delivery", "federation"}
# Modules that each fill one place in `Services`.
SEAMS = {"blindings", "clock", "gate", "stand_ins", "verification"}
# What is done at a start and behind the answers.
STEWARDS = {
    "agreement",
    "alarms",
    "binding",
    "changeover",
    "rewrapping",
    "chaining",
    "errands",
    "opening",
    "housekeeping",
    "lookback",
}
EVERYTHING = {"*"}
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"embedded", "errors"},
    "__main__": {"cli"},
    "errors": set(),
    "log": set(),
    "folders": set(),
    "settings": {"errors", "setting_values"},
    "setting_values": set(),
    "domain": {"errors"},
    **dict.fromkeys(WAYS_OUT, BELOW),
    **{seam: {"cores", "store", "vault", *BELOW} for seam in SEAMS},
    "services": {"settings", *WAYS_OUT, *SEAMS, *BELOW},
    "operations": {"domain", *WAYS_OUT, *SEAMS, *FOR_ALL},
    "registry": {"operations", *FOR_ALL},
    # What an operator ordered, and the counts behind quotas: only `wire/admission.py` asks them.
    "orders": {"store", *BELOW},
    "counting": BELOW,
    "wire": {"domain", "orders", "counting", *FOR_ALL},
    "seams": set(),
    "cores": set(),
    "turns": set(),
    **{steward: {"settings", "store", "vault", *STEWARDS, *BELOW} for steward in STEWARDS},
    "courier": {"delivery", "store", *BELOW},
    **{
        face: {"domain", "gate", "seams", "turns", "wire", "operations", *FOR_ALL}
        for face in ("http", "oauth", "pages", "console")
    },
    "testing": {"embedded", "errors"},
    **dict.fromkeys(("app", "cli", "embedded"), EVERYTHING),
}
ENGINES = {"cenote.store.sqlite", "cenote.store.postgres"}
MAY_NAME_AN_ENGINE = {"app", "cli", "store"}

# The domain is given the time, the chance and the bytes; it asks nobody.
IMPURE = {
    *("asyncio", "http", "io", "json", "logging", "multiprocessing", "os", "random", "secrets", "shutil"),
    *("socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib.request"),
}
IMPURE_CALLS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "open",
}
OUTSIDE = {"delivery", "triggers", "httpx", "requests"}
PROMISING = ("domain", "vault", "store", "operations", "wire")
ATTICS = {"helper", "helpers", "util", "utils", "common", "base", "data", "info", "manager", "managers"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def part_of(file: Path) -> str:
    """The part of the house that a file belongs to: a package, or a module beside `app.py`."""
    return file.relative_to(HOUSE).parts[0].removesuffix(".py")


def name_of(file: Path) -> str:
    return file.relative_to(HOUSE).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[str, Function]]:
    for file in FILES:
        for node in ast.walk(tree_of(file)):
            if isinstance(node, Function):
                yield f"{name_of(file)}:{node.name}", node


def lines_of(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@cache
def text_lines_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def imports_of(file: Path) -> Iterator[str]:
    """Every module that a file imports, whenever and for whatever it does."""
    package = ("cenote", *file.relative_to(HOUSE).with_suffix("").parts)[:-1]
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (above, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def hold(rule: str, offenders: Iterable[str]) -> None:
    """Nobody breaks the rule but its exceptions, and each exception is needed."""
    found = set(offenders)
    excused = {offender for broken, offender in EXCEPTIONS if broken == rule}
    assert found == excused, "\n  ".join(
        [
            f"the rule of {rule}:",
            *sorted(found - excused),
            *(f"{o}: excused in vain" for o in excused - found),
        ]
    )


def test_a_function_fits_on_a_screen():
    hold("function lines", (name for name, node in functions() if lines_of(node) > FUNCTION_LINES_MAX))


def test_most_functions_are_short():
    assert statistics.median(lines_of(node) for _, node in functions()) <= FUNCTION_LINES_MEDIAN_MAX


def test_a_module_is_read_in_one_sitting():
    hold("module lines", (name_of(file) for file in FILES if len(text_lines_of(file)) > MODULE_LINES_MAX))


def test_a_line_fits_beside_another():
    hold(
        "line characters",
        (
            f"{name_of(file)}:{number}"
            for file in FILES
            for number, line in enumerate(text_lines_of(file), 1)
            if len(line) > LINE_CHARACTERS_MAX
        ),
    )


def test_a_call_can_be_read_without_counting_its_arguments():
    hold(
        "positional arguments",
        (
            name
            for name, node in functions()
            if len([one for one in node.args.posonlyargs + node.args.args if one.arg not in {"self", "cls"}])
            > POSITIONAL_ARGUMENTS_MAX
        ),
    )


def test_every_module_says_what_it_owns():
    hold("module docstrings", (name_of(file) for file in FILES if not ast.get_docstring(tree_of(file))))


def test_what_a_layer_offers_is_a_promise_in_words():
    hold(
        "docstrings",
        (
            f"{name_of(file)}:{node.name}"
            for file in FILES
            if part_of(file) in PROMISING
            for node in tree_of(file).body
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
            if not ast.get_docstring(node)
        ),
    )


def test_imports_go_down_only():
    hold(
        "imports",
        (
            f"{name_of(file)} imports {name}"
            for file in FILES
            for name in imports_of(file)
            if name.startswith("cenote.")
            if not {name.split(".")[1], "*"} & (MAY_IMPORT.get(part_of(file), EVERYTHING) | {part_of(file)})
        ),
    )


def test_every_part_of_the_house_has_its_place_among_the_layers():
    assert {part_of(file) for file in FILES} <= MAY_IMPORT.keys()


def test_only_the_builder_knows_which_engine_it_is():
    hold(
        "engines",
        (
            f"{name_of(file)} imports {name}"
            for file in FILES
            if part_of(file) not in MAY_NAME_AN_ENGINE
            for name in imports_of(file)
            if name in ENGINES
        ),
    )


def test_a_program_that_holds_a_server_keeps_its_own_structlog():
    allowed = {"log.py", "cli/logging.py"}
    hold(
        "logging",
        (name_of(file) for file in FILES if "structlog" in imports_of(file) if name_of(file) not in allowed),
    )


def test_the_domain_is_values_and_rules_alone():
    domain = [file for file in FILES if part_of(file) == "domain"]
    hold("pure domain", (wrong for file in domain for wrong in impurities_of(file)))


def impurities_of(file: Path) -> Iterator[str]:
    """The time, chance, input and output that a module of the domain asks for by itself."""
    for name in imports_of(file):
        root = name.split(".")[0]
        is_pure = root in sys.stdlib_module_names and not {name, root} & IMPURE
        if not is_pure and root != "cenote":
            yield f"{name_of(file)} imports {name}"
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Call):
            called = ".".join(ast.unparse(node.func).split(".")[-2:])
            if called in IMPURE_CALLS:
                yield f"{name_of(file)} calls {called}"


def transactions(tree: ast.AST) -> Iterator[ast.AST]:
    """What a tree hands to `store.write` and `store.read`, and what that calls in the same tree."""
    named: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, Function):
            named.setdefault(node.name, []).append(node)
    waiting: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and re.search(r"(^|[._])store\.(write|read)$", ast.unparse(node.func)):
            waiting += [*node.args, *(one.value for one in node.keywords)]
    seen: set[str] = set()
    while waiting:
        body = waiting.pop()
        yield body
        for node in ast.walk(body):
            if isinstance(node, ast.Name) and node.id in named and node.id not in seen:
                seen.add(node.id)
                waiting += named[node.id]


def calls_out(tree: ast.AST) -> set[str]:
    """What a tree reaches outside while a transaction of its own is open."""
    found = set()
    for body in transactions(tree):
        for node in ast.walk(body):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
            if name in OUTSIDE:
                found.add(ast.unparse(node))
    return found


def test_nobody_outside_is_called_while_a_transaction_is_open():
    hold("open transaction", (f"{name_of(file)}: {c}" for file in FILES for c in calls_out(tree_of(file))))


@pytest.mark.parametrize(
    "source",
    [
        "services.store.write(lambda tx: services.triggers.invoke('PreSignUp'))",
        "def f(s):\n    def body(tx):\n        s.delivery.send(tx)\n    s.store.write(body)",
        "def f(tx):\n    g(tx)\ndef g(tx):\n    httpx.get('x')\nstore.read(body=f)",
        "services.store.write(partial(f, 1))\ndef f(one, tx):\n    services.triggers.invoke(one)",
    ],
)
def test_the_rule_of_the_open_transaction_sees_through_names(source):
    assert calls_out(ast.parse(source))


def test_what_stands_before_or_after_a_transaction_may_call_out():
    source = "services.triggers.invoke('PreSignUp')\nservices.store.write(lambda tx: tx.add_user(user))"
    assert not calls_out(ast.parse(source))


def test_the_house_has_no_attic():
    names = {part.removesuffix(".py") for file in FILES for part in file.relative_to(HOUSE).parts}
    assert not names & ATTICS


def test_nothing_is_left_for_later_in_a_comment():
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    hold(
        "nothing left for later",
        (name_of(file) for file in FILES if any(later.search(line) for line in text_lines_of(file))),
    )


def test_a_lock_names_no_host():
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.search(r"://|^\s*(-|#)(?!-hash=)", lock.read_text(encoding="utf-8"), re.MULTILINE), lock


def repository_files() -> list[Path]:
    """What the repository holds or is about to hold, or nothing where there is no repository around it."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_text_names_a_place_on_somebodys_machine():
    place = re.compile(r"(?<![\w.:/-])/(work|root|home)/\w")
    found = []
    for file in repository_files():
        if not file.is_file():
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(ROOT)}: {one.group()}" for one in place.finditer(text)]
    assert found == []
