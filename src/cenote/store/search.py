"""
Finding users in a pool: pages of candidates in the order of an index, and the blind marks that narrow them.

Owns the rows of marks and the statements that walk over users.  Leaves out what a mark stands for
(`domain/filters.py`) and whether a candidate fits.  A page costs the same at any number of users: each source
reads at most as many rows as it is asked for.
"""

from collections.abc import Sequence
from itertools import takewhile
from string import ascii_lowercase
from typing import Any

from cenote.domain.filters import DISABLED, ENABLED
from cenote.domain.groups import Group
from cenote.domain.sealed import digest_of
from cenote.domain.users import Status, User
from cenote.store.ground import Ground
from cenote.store.users import USER_COLUMNS, opened

_BEHIND = "u.sub > :after order by u.sub limit :limit"
_WALK = f"select u.sub, u.sub as place from users u where u.pool_id = :pool_id and {_BEHIND}"
_FROM = _WALK.replace("u.sub > :after", "u.sub >= :after")
_MEMBERS = (
    "select u.sub, u.sub as place from belongings u"
    f" where u.kind = 'group' and u.id = :group_id and {_BEHIND}"
)
# The two partial indexes hold the few who are not as most users are; a planner must be told their condition.
_STATUS = _WALK.replace(_BEHIND, f"u.status = :status and u.status <> 'CONFIRMED' and {_BEHIND}")
_DISABLED = _WALK.replace(_BEHIND, f"u.enabled = 0 and {_BEHIND}")
_MARKED = (
    "select u.sub, u.mark as place from search_marks u"
    " where u.mark > :after and u.mark < :until order by u.mark limit :limit"
)
OWN_BYTES = (
    8  # of a digest of the sub, behind each mark: one user's own, and no raw sub for a search of files
)
_BEHIND_ALL = b"\xff" * 64  # longer than any mark


class Candidate:
    """A user who may be among those asked for: what is in clear, and the rest when it is asked for."""

    __slots__ = ("_ground", "_row", "sub")

    def __init__(self, row: Any, ground: Ground) -> None:
        self._row = row
        self._ground = ground
        self.sub: str = row[9]

    @property
    def place(self) -> str:
        """Behind which the next page begins."""
        place = self._row[10]
        return place if isinstance(place, str) else bytes(place).hex()

    @property
    def status(self) -> str:
        """The status, which is in clear; the empty text for one who is gone."""
        return self._row[2] or ""

    @property
    def enabling(self) -> str:
        """Whether they may sign in, as the API's filter says it; the empty text for one who is gone."""
        return "" if self._row[3] is None else ENABLED if self._row[3] else DISABLED

    def open(self) -> User | None:
        """The user; None for one who is gone, or whose slot says that they are erased."""
        return None if self._row[8] is None else opened(self._row, self._ground.sealer)


class SearchTable:
    """What users are searched by."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, sub: str, marks: Sequence[bytes]) -> None:
        """Have a user found by these marks too."""
        behind = digest_of(sub)[:OWN_BYTES]
        own = {name: mark + behind for name, mark in zip(ascii_lowercase, sorted(marks), strict=False)}
        if own:
            rows = ", ".join(f"(:{name}, :sub)" for name in own)
            self._ground.run(f"insert into search_marks (mark, sub) values {rows}", {"sub": sub, **own})

    def put(self, sub: str, marks: Sequence[bytes]) -> None:
        """Have a user found by these marks and by no others."""
        self._ground.run("delete from search_marks where sub = :sub", {"sub": sub})
        self.add(sub, marks)

    def list_all(self, pool_id: str, after: str, limit: int) -> list[Candidate]:
        """Users of the pool in the order of their subs."""
        return self._candidates(_WALK, pool_id, limit, after=after)

    def list_by_sub(self, pool_id: str, prefix: str, page: tuple[str, int]) -> list[Candidate]:
        """Users of the pool whose subs begin so; `page` is the place before it, or none, and its size."""
        after, limit = page
        source, start = (_WALK, after) if after else (_FROM, prefix)
        candidates = self._candidates(source, pool_id, limit, after=start)
        return list(takewhile(lambda candidate: candidate.sub.startswith(prefix), candidates))

    def list_marked(self, pool_id: str, beginning: bytes, page: tuple[str, int]) -> list[Candidate]:
        """Users of the pool with a mark that begins so, in the order of their marks."""
        after, limit = page
        start, until = bytes.fromhex(after) or beginning, beginning + _BEHIND_ALL
        return self._candidates(_MARKED, pool_id, limit, after=start, until=until)

    def list_by_status(
        self, pool_id: str, statuses: Sequence[Status], page: tuple[str, int]
    ) -> list[Candidate]:
        """Users of the pool, among them those in one of these statuses: just those, where they are few."""
        after, limit = page
        if not statuses:
            return []
        if len(statuses) > 1 or statuses[0] is Status.CONFIRMED:
            return self.list_all(pool_id, after, limit)
        return self._candidates(_STATUS, pool_id, limit, after=after, status=statuses[0].value)

    def list_disabled(self, pool_id: str, after: str, limit: int) -> list[Candidate]:
        """Users of the pool who are shut out."""
        return self._candidates(_DISABLED, pool_id, limit, after=after)

    def list_members(self, group: Group, after: str, limit: int) -> list[Candidate]:
        """Users who are in the group."""
        return self._candidates(_MEMBERS, group.pool_id, limit, after=after, group_id=group.group_id)

    def _candidates(self, source: str, pool_id: str, limit: int, **values: object) -> list[Candidate]:
        rows = self._ground.run(
            f"select {USER_COLUMNS}, f.sub, f.place from ({source}) f"
            " left join users u on u.sub = f.sub and u.pool_id = :pool_id"
            " left join keys k on k.sub = u.sub order by f.place",
            {"pool_id": pool_id, "limit": limit, **values},
        ).fetchall()
        return [Candidate(row, self._ground) for row in rows]
