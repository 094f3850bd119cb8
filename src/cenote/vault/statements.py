"""
Statements that anybody can check: JSON in one spelling, signed with Ed25519 (RFC 8032).

A receipt, a ledger's head and a ledger's opening line are such statements; each names its kind in its first
word, so that none passes for another.  Works without data, keys or settings.  Leaves out where the private
key lies (`receipt_key.py`) and what is stated.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cenote.errors import CenoteError

ALGORITHM = "Ed25519"
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
_SIGNATURE = "signature"


class Forged(CenoteError):
    """A statement that is not, to the letter, what somebody signed."""


def signed(statement: Mapping[str, Any], private: Ed25519PrivateKey) -> dict[str, Any]:
    """The statement with its signature, over everything in it but the signature's own value."""
    head = {"algorithm": ALGORITHM, "public_key": private.public_key().public_bytes_raw().hex()}
    value = private.sign(_canonical({**statement, _SIGNATURE: head}))
    return {**statement, _SIGNATURE: {**head, "value": value.hex()}}


def signer_of(statement: Mapping[str, Any]) -> bytes:
    """
    The public key that signed the statement as it stands; `Forged` when it did not.

    Whose key that is, is for the caller to know.
    """
    signature = statement.get(_SIGNATURE)
    if not isinstance(signature, dict) or set(signature) != {"algorithm", "public_key", "value"}:
        raise Forged("it bears no signature")
    if signature["algorithm"] != ALGORITHM:
        raise Forged(f"its signature is not {ALGORITHM}")
    public, value = (
        _bytes_of(signature["public_key"], PUBLIC_BYTES),
        _bytes_of(signature["value"], SIGNATURE_BYTES),
    )
    head = {"algorithm": ALGORITHM, "public_key": signature["public_key"]}
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(value, _canonical({**statement, _SIGNATURE: head}))
    except (InvalidSignature, ValueError) as failure:
        raise Forged("its signature does not fit what it says") from failure
    return public


def parse(text: str) -> dict[str, Any]:
    """
    A statement from its text, however it is laid out; `Forged` for what has a second reading.

    A name that comes twice, or a number that is no whole one, could be read otherwise elsewhere.
    """
    try:
        found = json.loads(
            text, object_pairs_hook=_object, parse_float=_refuse_number, parse_constant=_refuse_number
        )
    except (ValueError, RecursionError) as failure:
        raise Forged("it is not JSON") from failure
    if not isinstance(found, dict):
        raise Forged("it is not a JSON object")
    return found


def line_of(statement: Mapping[str, Any]) -> str:
    """The statement in its one spelling: names sorted, nothing between them."""
    return _canonical(statement).decode()


def fingerprint(public: bytes) -> str:
    """A public key as people compare it: SHA-256 of its 32 bytes."""
    return hashlib.sha256(public).hexdigest()


def _canonical(statement: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()
    except (ValueError, RecursionError) as failure:
        raise Forged("it holds what JSON can't") from failure


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Forged("a name comes twice in it")
    return found


def _refuse_number(_text: str) -> None:
    raise Forged("a number in it is no whole one")


def _bytes_of(text: object, length: int) -> bytes:
    """The bytes of lower-case hex digits and of nothing else: a signature has one spelling."""
    try:
        value = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        value = b""
    if len(value) != length or value.hex() != text:
        raise Forged("its signature is damaged")
    return value
