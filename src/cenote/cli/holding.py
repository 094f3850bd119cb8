"""
`cenote user hold`, `release`, `holds` and `record`: who may not be erased, and what operators did to whom.

Works beside running servers, which need be told nothing: the statement that erases meets the hold.  Has no
vault, so nothing that is personal can be read here.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from cenote.cli.beside import store_beside
from cenote.cli.telling import in_columns, iso, moment_of, reason_of, who, written
from cenote.clock import Clock
from cenote.domain.audit import FOR_EVER_MS, Act, AuditLine
from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.holds import Hold
from cenote.store.transaction import Transaction

LINE_ID_BYTES = 12
LINES_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class Named:
    """The user whom a command is about."""

    pool_id: str
    sub: str


@dataclass(frozen=True, slots=True)
class Because:
    """Why something is done, and by whom; both are kept for good."""

    reason: str
    who: str

    @staticmethod
    def of(reason: str, by: str | None) -> "Because":
        """As the flags say it; `CenoteError` when they say nothing."""
        return Because(reason_of(reason), who(by))

    def line(self, act: Act, user: Named, *, at_ms: int, until_ms: int | None = None) -> AuditLine:
        """The line of the record that says it."""
        return AuditLine(
            line_id=secrets.token_hex(LINE_ID_BYTES),
            act=act,
            pool_id=user.pool_id,
            digest=digest_of(user.sub),
            at_ms=at_ms,
            until_ms=until_ms,
            who=self.who,
            reason=self.reason,
        )


def hold(settings: Settings, user: Named, because: Because, until: str | None) -> None:
    """Keep a user from being erased, by anybody, until they are released or the time has come."""
    until_ms = FOR_EVER_MS if until is None else moment_of(until, "--until")
    with store_beside(settings) as store:
        now_ms = Clock(store).now_ms()
        if until_ms <= now_ms:
            raise CenoteError("--until must lie in the future.")
        line = because.line(Act.HOLD, user, at_ms=now_ms, until_ms=until_ms)
        held_until_ms = store.write(partial(_hold, user, line))
    print(f"{user.sub} is held until {written(held_until_ms)}.")


def release(settings: Settings, user: Named, because: Because) -> None:
    """Let a user be erased again."""
    with store_beside(settings) as store:
        line = because.line(Act.RELEASE, user, at_ms=Clock(store).now_ms())
        store.write(partial(_release, user, line))
    print(f"{user.sub} is released.")


def show_holds(settings: Settings, *, everything: bool) -> None:
    """Print who is held now; or every hold and release that there ever was."""
    with store_beside(settings) as store:
        if everything:
            heads: tuple[str, ...] = ("AT", "ACT", "POOL", "SHA-256 OF SUB", "UNTIL", "BY", "REASON")
            rows = [_told(line) for line in _every_line(store) if line.act in {Act.HOLD, Act.RELEASE}]
        else:
            heads = ("SUB", "POOL", "UNTIL", "SINCE", "BY", "REASON")
            rows = [_held(one, store) for one in _every_hold(store, Clock(store).now_ms())]
    print(in_columns([heads, *rows]))


def show_record(settings: Settings, sub: str | None) -> None:
    """Print what operators did to users, or to one of them, one JSON line for each act, the oldest first."""
    with store_beside(settings) as store:
        for line in _every_line(store) if sub is None else _lines_of(store, sub):
            print(json.dumps(told_of(line)))


def told_of(line: AuditLine) -> dict[str, str | None]:
    """A line of the record for programs to read; a hold without an end has `until` null."""
    on_a_key = {"key": line.key_id, "policy": line.policy}
    on_a_user = {"pool": line.pool_id, "sub_sha256": line.digest.hex()}
    told = {
        "at": iso(line.at_ms),
        "act": line.act.value,
        **(on_a_user if line.key_id is None else on_a_key),
        "by": line.who,
        "reason": line.reason,
    }
    return told | ({"until": iso(line.until_ms)} if line.act is Act.HOLD else {})


def _hold(user: Named, line: AuditLine, tx: Transaction) -> int:
    """A second hold is recorded as it was ordered, and never shortens the first."""
    until_ms = tx.holds.put(user.pool_id, user.sub, line.until_ms or FOR_EVER_MS)
    if until_ms is None:
        raise CenoteError(f"The pool {user.pool_id} has no user {user.sub}.")
    tx.audit.add(line)
    return until_ms


def _release(user: Named, line: AuditLine, tx: Transaction) -> None:
    if not tx.holds.take(user.pool_id, user.sub, line.at_ms):
        raise CenoteError(
            f"The pool {user.pool_id} holds no user {user.sub}; `cenote user holds` shows whom."
        )
    tx.audit.add(line)


def _held(held: Hold, store: Store) -> tuple[str, ...]:
    """A hold as a row, with the last order that was given for it."""
    orders = [line for line in _lines_of(store, held.sub) if line.act is Act.HOLD]
    told = ("", "", "") if not orders else (written(orders[-1].at_ms), orders[-1].who, orders[-1].reason)
    return (held.sub, held.pool_id, written(held.until_ms), *told)


def _told(line: AuditLine) -> tuple[str, ...]:
    until = "" if line.until_ms is None else written(line.until_ms)
    at, act, digest = written(line.at_ms), line.act.value, line.digest.hex()
    return (at, act, line.pool_id, digest, until, line.who, line.reason)


def _lines_of(store: Store, sub: str) -> list[AuditLine]:
    return store.read(lambda tx: tx.audit.list_of_user(digest_of(sub)))


def _every_line(store: Store) -> Iterator[AuditLine]:
    after = (0, "")
    while page := store.read(partial(_lines_behind, after)):
        yield from page
        after = (page[-1].at_ms, page[-1].line_id)


def _lines_behind(after: tuple[int, str], tx: Transaction) -> list[AuditLine]:
    return tx.audit.list_page(after, LINES_PER_PAGE)


def _every_hold(store: Store, now_ms: int) -> Iterator[Hold]:
    after = ""
    while page := store.read(partial(_holds_behind, after, now_ms)):
        yield from page
        after = page[-1].sub


def _holds_behind(after: str, now_ms: int, tx: Transaction) -> list[Hold]:
    return tx.holds.list_page(now_ms, after, LINES_PER_PAGE)
