"""Signed statements: what a signature covers, and what is refused although it looks like one."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cenote.vault.statements import Forged, fingerprint, line_of, parse, signed, signer_of

KEY, OTHER = (
    Ed25519PrivateKey.from_private_bytes(bytes(32)),
    Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
)
PUBLIC = KEY.public_key().public_bytes_raw()
SAID = {"receipt": 2, "clocks": {"first": ["gone", None, True]}, "name": "Größe", "at": 12}


def leaves(value, path=()):
    """The path to everything in a statement that is no object and no list."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path


def altered(statement, path):
    """The statement with another value at this place."""
    changed = json.loads(json.dumps(statement))
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    was = inner[path[-1]]
    inner[path[-1]] = was + 1 if type(was) is int else was[:-1] + chr(ord(was[-1]) ^ 1) if was else "else"
    return changed


STATEMENT = signed({**SAID, "clocks": {"first": ["gone", 7]}}, KEY)


def test_what_was_signed_names_its_signer_however_it_is_laid_out():
    statement = signed(SAID, KEY)
    assert signer_of(statement) == PUBLIC
    for text in (
        line_of(statement),
        json.dumps(statement, indent=4),
        json.dumps(dict(reversed(statement.items()))),
    ):
        assert signer_of(parse(text)) == PUBLIC


def test_a_statement_has_one_spelling():
    assert line_of({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'


@pytest.mark.parametrize("path", list(leaves(STATEMENT)), ids=str)
def test_nothing_in_a_statement_can_be_altered(path):
    with pytest.raises(Forged):
        signer_of(altered(STATEMENT, path))


@pytest.mark.parametrize("name", [*SAID, "signature"])
def test_nothing_can_be_taken_out_or_added(name):
    statement = signed(SAID, KEY)
    with pytest.raises(Forged):
        signer_of({key: value for key, value in statement.items() if key != name})
    with pytest.raises(Forged):
        signer_of({**statement, "more": 1})
    with pytest.raises(Forged):
        signer_of({**statement, "signature": {**statement["signature"], "more": 1}})


def test_a_signature_of_one_key_under_the_name_of_another_is_refused():
    one, other = signed(SAID, KEY), signed(SAID, OTHER)
    swapped = {**one["signature"], "public_key": other["signature"]["public_key"]}
    with pytest.raises(Forged):
        signer_of({**one, "signature": swapped})
    assert signer_of(other) != PUBLIC


def test_a_signature_has_one_spelling():
    statement = signed(SAID, KEY)
    for name in ("public_key", "value"):
        shouted = {**statement["signature"], name: statement["signature"][name].upper()}
        with pytest.raises(Forged, match="damaged"):
            signer_of({**statement, "signature": shouted})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "nonsense",
        '{"a":1,"a":2}',
        '{"a":1.0}',
        '{"a":1e3}',
        '{"a":NaN}',
        "[" * 100_000,
        '{"a":"\\ud800"}',
    ],
    ids=lambda text: text[:16],
)
def test_what_could_be_read_in_a_second_way_is_no_statement(text):
    with pytest.raises(Forged):
        signer_of(parse(text))


def test_a_fingerprint_is_what_anybody_would_calculate():
    assert fingerprint(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
