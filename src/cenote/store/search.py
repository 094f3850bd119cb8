"""
Finding users in a pool: pages of candidates in the order of their subs, and blind tokens that narrow them.

Owns the rows of tokens and the statements that walk over users.  Leaves out what a token stands for
(`domain/filters.py`) and whether a candidate fits.  A page costs the same at any number of users: each source
reads at most as many rows as it is asked for, in the order of an index.
"""

from collections.abc import Sequence
from itertools import takewhile
from string import ascii_lowercase
from typing import Any

from cenote.domain.filters import DISABLED, ENABLED
from cenote.domain.groups import Group
from cenote.domain.users import Status, User
from cenote.store.ground import Ground
from cenote.store.users import USER_COLUMNS, opened

TOKENS_PER_STATEMENT = len(ascii_lowercase)  # a letter each, which either engine takes for a name

_BEHIND = "u.sub > :after order by u.sub limit :limit"
_WALK = f"select u.sub from users u where u.pool_id = :pool_id and {_BEHIND}"
_FROM = "select u.sub from users u where u.pool_id = :pool_id and u.sub >= :after order by u.sub limit :limit"
_TOKEN = f"select u.sub from search_tokens u where u.token = :token and {_BEHIND}"
# The two partial indexes hold the few who are not as most users are; a planner must be told their condition.
_STATUS = (
    "select u.sub from users u where u.pool_id = :pool_id and u.status = :status"
    f" and u.status <> 'CONFIRMED' and {_BEHIND}"
)
_MEMBERS = f"select u.sub from belongings u where u.kind = 'group' and u.id = :group_id and {_BEHIND}"
_DISABLED = f"select u.sub from users u where u.pool_id = :pool_id and u.enabled = 0 and {_BEHIND}"


class Candidate:
    """A user who may be among those asked for: what is in clear, and the rest when it is asked for."""

    __slots__ = ("_ground", "_row", "sub")

    def __init__(self, row: Any, ground: Ground) -> None:
        self._row = row
        self._ground = ground
        self.sub: str = row[9]

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
        return None if self._row[8] is None else opened(self._row, self._ground)


class SearchTable:
    """What users are searched by."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(self, sub: str, tokens: Sequence[bytes]) -> None:
        """Have a user found by these tokens too."""
        for start in range(0, len(tokens), TOKENS_PER_STATEMENT):
            some = dict(zip(ascii_lowercase, tokens[start : start + TOKENS_PER_STATEMENT], strict=False))
            rows = ", ".join(f"(:{name}, :sub)" for name in some)
            self._ground.run(
                f"insert into search_tokens (token, sub) values {rows} on conflict do nothing",
                {"sub": sub, **some},
            )

    def put(self, sub: str, tokens: Sequence[bytes]) -> None:
        """Have a user found by these tokens and by no others."""
        self._ground.run("delete from search_tokens where sub = :sub", {"sub": sub})
        self.add(sub, tokens)

    def list_all(self, pool_id: str, after: str, limit: int) -> list[Candidate]:
        """Users of the pool."""
        return self._candidates(_WALK, pool_id, after, limit)

    def list_by_sub(self, pool_id: str, prefix: str, page: tuple[str, int]) -> list[Candidate]:
        """Users of the pool whose subs begin so; `page` is the sub before it, or none, and its size."""
        after, limit = page
        source, start = (_WALK, after) if after else (_FROM, prefix)
        candidates = self._candidates(source, pool_id, start, limit)
        return list(takewhile(lambda candidate: candidate.sub.startswith(prefix), candidates))

    def list_marked(self, pool_id: str, token: bytes, page: tuple[str, int]) -> list[Candidate]:
        """Users of the pool who are found by this token; `page` is the sub before it and its size."""
        return self._candidates(_TOKEN, pool_id, *page, token=token)

    def list_by_status(
        self, pool_id: str, statuses: Sequence[Status], page: tuple[str, int]
    ) -> list[Candidate]:
        """Users of the pool, among them those in one of these statuses: just those, where they are few."""
        if not statuses:
            return []
        if len(statuses) > 1 or statuses[0] is Status.CONFIRMED:
            return self.list_all(pool_id, *page)
        return self._candidates(_STATUS, pool_id, *page, status=statuses[0].value)

    def list_disabled(self, pool_id: str, after: str, limit: int) -> list[Candidate]:
        """Users of the pool who are shut out."""
        return self._candidates(_DISABLED, pool_id, after, limit)

    def list_members(self, group: Group, after: str, limit: int) -> list[Candidate]:
        """Users who are in the group."""
        return self._candidates(_MEMBERS, group.pool_id, after, limit, group_id=group.group_id)

    def _candidates(
        self, source: str, pool_id: str, after: str, limit: int, **values: object
    ) -> list[Candidate]:
        rows = self._ground.run(
            f"select {USER_COLUMNS}, f.sub from ({source}) f"
            " left join users u on u.sub = f.sub and u.pool_id = :pool_id"
            " left join keys k on k.sub = u.sub order by f.sub",
            {"pool_id": pool_id, "after": after, "limit": limit, **values},
        ).fetchall()
        return [Candidate(row, self._ground) for row in rows]
