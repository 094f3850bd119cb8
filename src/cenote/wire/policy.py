"""
Policies in the words of IAM: what a key may do, to which pools, from where.

Owns the language and the verdict.  Whatever the language does not have is refused when a policy is made,
never passed over: a condition that is not heeded would allow more than it says.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from cenote.errors import CenoteError

VERSION = "2012-10-17"
POLICY_CHARACTERS_MAX = 6_144  # of the document without its white space, as IAM counts a managed policy
POLICIES_KEPT_MAX = 1_024
ACTION_PREFIX = "cognito-idp:"

_STATEMENT = {"Sid", "Effect", "Action", "Resource", "Condition"}
_ACTION = re.compile(r"\*|cognito-idp:[a-z*?]+", re.IGNORECASE)
_ARN = re.compile(r"\*|arn:[^:]+:cognito-idp:[^:]*:[^:]*:[^:]+")
_SOURCE = "aws:sourceip"
_TAGS = ("aws:resourcetag/", "aws:requesttag/")

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to do.  The pool's tags are asked for only where a policy depends on them."""

    action: str
    resource: str
    address: str
    request_tags: Mapping[str, str]
    resource_tags: Callable[[], Mapping[str, str]]


class Verdict(Enum):
    """What a policy says to a question."""

    ALLOWED = "allowed"
    UNMENTIONED = "unmentioned"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a condition: any of its tests must be met, or, negated, none."""

    key: str  # folded: IAM's keys know no capitals, the names of tags included
    tests: tuple[Test, ...]
    is_negated: bool

    def holds(self, question: Question) -> bool:
        """Whether it is so; a tag that is not there meets no test."""
        return any(test(value) for value in self._values(question) for test in self.tests) != self.is_negated

    def _values(self, question: Question) -> list[str]:
        if self.key == _SOURCE:
            return [question.address]
        of_the_pool, name = self.key.startswith(_TAGS[0]), self.key.partition("/")[2]
        tags = question.resource_tags() if of_the_pool else question.request_tags
        return [value for tag, value in tags.items() if tag.casefold() == name]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    allows: bool
    actions: tuple[re.Pattern[str], ...]
    resources: tuple[re.Pattern[str], ...]
    conditions: tuple[Condition, ...]

    def speaks_of(self, question: Question) -> bool:
        """Whether it has anything to say to this question."""
        return (
            any(action.fullmatch(question.action) for action in self.actions)
            and any(resource.fullmatch(question.resource) for resource in self.resources)
            and all(condition.holds(question) for condition in self.conditions)
        )


Policy = tuple[Statement, ...]


def verdict(policy: Policy, question: Question) -> Verdict:
    """A Deny beats every Allow, and what no statement speaks of is not allowed."""
    if any(one.speaks_of(question) for one in policy if not one.allows):
        return Verdict.DENIED
    if any(one.speaks_of(question) for one in policy if one.allows):
        return Verdict.ALLOWED
    return Verdict.UNMENTIONED


def new_policy(text: str, signed_operations: Collection[str]) -> str:
    """
    A policy that is about to be given to a key, as it is kept; `CenoteError` says what is wrong with it.

    An action that names no signed operation is refused too: a misspelt Deny would deny nothing, and an
    operation that goes by a token can be neither allowed nor denied.
    """
    kept = json.dumps(_read(text), separators=(",", ":"), ensure_ascii=False)
    if len(kept) > POLICY_CHARACTERS_MAX:
        raise CenoteError(f"The policy must have at most {POLICY_CHARACTERS_MAX} characters.")
    for statement in _statements(_read(kept)):
        for action in _texts(statement, "Action"):
            pattern = _action(action)
            if not any(pattern.fullmatch(ACTION_PREFIX + name) for name in signed_operations):
                raise CenoteError(f"The policy's action {action!r} names no operation that is signed.")
    read_policy(kept)
    return kept


@lru_cache(maxsize=POLICIES_KEPT_MAX)
def read_policy(text: str) -> Policy:
    """The policy of this text; `CenoteError` when it says what is not understood here."""
    return tuple(_statement(one) for one in _statements(_read(text)))


def allowing(*actions: str) -> str:
    """The policy that allows these actions on everything."""
    statement = {"Effect": "Allow", "Action": [ACTION_PREFIX + one for one in actions], "Resource": "*"}
    return json.dumps({"Version": VERSION, "Statement": [statement]}, separators=(",", ":"))


ALL = allowing("*")
READ_ONLY = allowing("AdminGet*", "AdminList*", "Describe*", "Get*", "List*")


def _read(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as failure:
        raise CenoteError(f"The policy is no JSON ({failure}).") from failure
    if not isinstance(document, dict):
        raise CenoteError("The policy must be a JSON object with Version and Statement.")
    if unknown := sorted(document.keys() - {"Version", "Statement"}):
        raise CenoteError(f"The policy has {unknown[0]!r}; only Version and Statement are understood.")
    if document.get("Version") != VERSION:
        raise CenoteError(f'The policy\'s Version must be "{VERSION}".')
    return document


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object each of whose members stands there once: of two, one would be lost without a word."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise CenoteError(f"The policy has {twin!r} twice in one place.")
    return members


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("Statement")
    listed = found if isinstance(found, list) else [found]
    statements = [one for one in listed if isinstance(one, dict)]
    if not statements or len(statements) < len(listed):
        raise CenoteError("The policy's Statement must be an object, or a list of objects that is not empty.")
    return statements


def _statement(one: dict[str, Any]) -> Statement:
    if unknown := sorted(one.keys() - _STATEMENT):
        known = ", ".join(sorted(_STATEMENT))
        raise CenoteError(f"A statement has {unknown[0]!r}; understood are {known}.")
    if one.get("Effect") not in ("Allow", "Deny"):
        raise CenoteError("A statement's Effect must be Allow or Deny.")
    return Statement(
        allows=one["Effect"] == "Allow",
        actions=tuple(_action(text) for text in _texts(one, "Action")),
        resources=tuple(_resource(text) for text in _texts(one, "Resource")),
        conditions=tuple(_conditions(one.get("Condition", {}))),
    )


def _texts(holder: Mapping[str, Any], name: str) -> list[str]:
    """A member that is one text or several."""
    found = holder.get(name)
    listed = found if isinstance(found, list) else [found]
    texts = [text for text in listed if isinstance(text, str) and text]
    if not texts or len(texts) < len(listed):
        raise CenoteError(f"{name} must be a text, or a list of texts that is not empty.")
    if variable := next((text for text in texts if "${" in text), None):
        raise CenoteError(f"{name} has {variable!r}, and policy variables are not understood.")
    return texts


def _action(text: str) -> re.Pattern[str]:
    if not _ACTION.fullmatch(text):
        raise CenoteError(f"The action {text!r} is none of cognito-idp:Operation, with * and ? at most.")
    return re.compile(_pattern(text), re.IGNORECASE | re.DOTALL)


def _resource(text: str) -> re.Pattern[str]:
    if not _ARN.fullmatch(text):
        raise CenoteError(
            f"The resource {text!r} is neither * nor the ARN of a pool, as in"
            " arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example."
        )
    return re.compile(_pattern(text), re.DOTALL)


def _conditions(found: Any) -> Iterable[Condition]:
    if not isinstance(found, dict):
        raise CenoteError("A Condition must be an object of operators.")
    for operator, keys in found.items():
        if operator not in _OPERATORS:
            known = ", ".join(_OPERATORS)
            raise CenoteError(f"A Condition has the operator {operator!r}; understood are {known}.")
        if not isinstance(keys, dict) or not keys:
            raise CenoteError(f"The operator {operator} must have keys with their values.")
        test_of, is_address, is_negated = _OPERATORS[operator]
        for key in keys:
            _require_key(operator, key, is_address=is_address)
            tests = tuple(test_of(text) for text in _texts(keys, key))
            yield Condition(key.casefold(), tests, is_negated)


def _require_key(operator: str, key: str, *, is_address: bool) -> None:
    folded = key.casefold()
    fits = folded == _SOURCE if is_address else folded.startswith(_TAGS) and folded.partition("/")[2]
    if not fits:
        known = "aws:SourceIp" if is_address else "aws:ResourceTag/KEY and aws:RequestTag/KEY"
        raise CenoteError(f"The operator {operator} has the key {key!r}; understood are {known}.")


def _in_network(text: str) -> Test:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as failure:
        raise CenoteError(f"{text!r} is no address and no network such as 203.0.113.0/24.") from failure

    def test(value: str) -> bool:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return (getattr(address, "ipv4_mapped", None) or address) in network

    return test


def _equal_to(text: str) -> Test:
    return text.__eq__


def _like(text: str) -> Test:
    pattern = re.compile(_pattern(text), re.DOTALL)
    return lambda value: pattern.fullmatch(value) is not None


def _pattern(text: str) -> str:
    """
    A text with * and ? as a regular expression whose time does not explode.

    What stands between two * is taken where it is first found and never looked for again.
    """
    first, *others = (
        "".join("." if letter == "?" else re.escape(letter) for letter in piece) for piece in text.split("*")
    )
    if not others:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in others[:-1]) + f".*{others[-1]}"


_OPERATORS: dict[str, tuple[Callable[[str], Test], bool, bool]] = {
    "IpAddress": (_in_network, True, False),
    "NotIpAddress": (_in_network, True, True),
    "StringEquals": (_equal_to, False, False),
    "StringLike": (_like, False, False),
}
