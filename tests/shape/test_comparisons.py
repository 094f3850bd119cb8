"""
Secrets are compared in constant time: neither `==` nor `in` stands between values that come from one.

A value counts by its name: the variable, the member, the key or the function that it comes out of.  What is a
constant, or a length, tells nothing.  Leaves out commands and tests' own halves: whoever runs those has the
secret.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "src" / "cenote"
FILES = [
    file for file in sorted(HOUSE.rglob("*.py")) if file.relative_to(HOUSE).parts[0] not in {"cli", "testing"}
]
SECRET = {
    *("secret", "secrets", "password", "passwords", "code", "codes", "token", "tokens", "proof", "verifier"),
    *("digest", "digests", "hexdigest", "hash", "hashes", "hmac", "mac", "signature"),
}
# What turns one value into another spelling of the same.
SPELLING = {"encode", "decode", "hex", "b64encode", "b64decode", "fromhex", "bytes", "str", "strip", "lower"}
NO_VALUE = {"len", "type", "isinstance", "set"}

# Where such names may be compared: (file, comparison) -> reason.  An entry that nothing needs fails too.
LEDGER = "digests and hashes of the ledger, which is told to auditors"
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("chaining.py", "tx.ledger.find_hash(vouched.number) != vouched.hash"): LEDGER,
    ("housekeeping.py", "line.digest not in paid"): LEDGER,
    ("store/ledger.py", "link.line.digest in buried"): LEDGER,
    ("vault/searching.py", "digest in wanted.digests"): LEDGER,
    ("vault/witness.py", "statement.get('chain') == self.first.hash.hex()"): LEDGER,
    (
        "domain/client_secrets.py",
        "secret_id_of(client, one) != secret_id",
    ): "the id of a secret, which is listed",
    (
        "domain/pool_rules.py",
        "config.get('PreTokenGeneration') == config.get('PreTokenGenerationConfig', {}).get('LambdaArn')",
    ): "the name of a Lambda function",
    ("operations/recovery.py", "held.password != user.password"): "two readings of one row; nothing is given",
    (
        "operations/sign_in/srp.py",
        "base64.b64encode(block).decode() != answers['PASSWORD_CLAIM_SECRET_BLOCK']",
    ): "what was given, and another spelling of it",
}


def unwrapped(node: ast.expr) -> Iterator[ast.expr]:
    """The values that an operand consists of."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        for item in node.elts:
            yield from unwrapped(item)
    elif isinstance(node, ast.Starred):
        yield from unwrapped(node.value)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from unwrapped(value)
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        yield from unwrapped(node.elt)
    elif isinstance(node, ast.IfExp):
        yield from (*unwrapped(node.body), *unwrapped(node.orelse))
    elif isinstance(node, ast.Call) and name_of(node.func) in SPELLING:
        yield from unwrapped(node.args[0] if node.args else node.func)
        if isinstance(node.func, ast.Attribute):
            yield from unwrapped(node.func.value)
    else:
        yield node


def name_of(node: ast.expr) -> str:
    """What a value is called; the empty text for what has no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        called = name_of(node.func)
        if called == "get" and node.args:
            return name_of(node.args[0])
        return called
    if isinstance(node, ast.Subscript):
        return name_of(node.slice) if isinstance(node.slice, ast.Constant) else name_of(node.value)
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return ""


def words_of(name: str) -> set[str]:
    apart = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    return set(re.split(r"[^a-z]+", apart.lower()))


def is_public(node: ast.expr) -> bool:
    """Whether a value is the same in everybody's copy of the source, or no value at all."""
    parts = list(unwrapped(node))
    return all(
        isinstance(part, ast.Constant)
        or (isinstance(part, ast.Name | ast.Attribute) and name_of(part).lstrip("_").isupper())
        or (isinstance(part, ast.Call) and name_of(part.func) in NO_VALUE)
        for part in parts
    )


def is_secret(node: ast.expr) -> bool:
    return any(words_of(name_of(part)) & SECRET for part in unwrapped(node) if not is_public(part))


def comparisons(tree: ast.AST) -> Iterator[ast.Compare]:
    """Those between a value that comes from a secret and one that is not in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = zip([node.left, *node.comparators], node.ops, node.comparators, strict=False)
            if any(tells(*one) for one in sides):
                yield node


def tells(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool:
    """Whether the time of this comparison may tell something of a secret."""
    is_of_values = isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn)
    return (
        is_of_values and not (is_public(left) or is_public(right)) and (is_secret(left) or is_secret(right))
    )


def offenders() -> set[tuple[str, str]]:
    return {
        (file.relative_to(HOUSE).as_posix(), ast.unparse(node))
        for file in FILES
        for node in comparisons(ast.parse(file.read_text(encoding="utf-8")))
    }


def test_secrets_are_compared_in_constant_time() -> None:
    found = offenders()
    assert found == EXCEPTIONS.keys(), "\n".join(
        f"{'compared' if one in found else 'excused for nothing'}: {one}"
        for one in sorted(found ^ EXCEPTIONS.keys())
    )


@pytest.mark.parametrize(
    "source",
    [
        "secret == given",
        "given != client.secret",
        "given in secrets",
        "given not in [open_secret(one) for one in sealed]",
        "services.keyed_digest(text) == sent.digest",
        "request['SecretHash'] == expected",
        "request.get('SecretHash') != expected",
        "hmac.digest(key, text, 'sha256').hex() == given",
        "hashlib.sha256(text).hexdigest() == given",
        "base64.b64encode(proof) == given.encode()",
        "(user_id, code) == (user.sub, sent.code)",
        "token == (held or other)",
        "srp.proof(key, block) == given",
    ],
)
def test_the_rule_sees_a_secret_by_its_name(source: str) -> None:
    assert list(comparisons(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "hmac.compare_digest(secret, given)",
        "secret is None",
        "len(secret) != KEY_BYTES",
        "signature['algorithm'] != ALGORITHM",
        "kind.token_use in ('access', 'id')",
        "code == 200",
        "pool_id == client.pool_id",
    ],
)
def test_the_rule_lets_pass_what_tells_nothing(source: str) -> None:
    assert not list(comparisons(ast.parse(source)))
