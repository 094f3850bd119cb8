"""
ListUsers: a page of a pool's users, all of them or those whom one clause finds.

A page costs the same at any number of users.  A source (`store/search.py`) gives some candidates in the order
of an index; each is opened and held against the clause.  So a page may be short, or empty, and yet not the
last: the service says so of its own pages too.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cenote.domain import filters
from cenote.domain.filters import Filter
from cenote.domain.lifetimes import HOUR_S
from cenote.domain.listed_users import user_type
from cenote.domain.registrations import Pool
from cenote.domain.users import Status, User
from cenote.errors import InvalidParameterException
from cenote.operations.paging import page_after, page_token
from cenote.operations.registered import pool_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.search import Candidate
from cenote.store.transaction import Transaction

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import ListUsersRequestTypeDef

USERS_LISTED_MAX = 60
CANDIDATES_MAX = 90  # looked at for one page of a clause, which may leave none of them; 2 ms at most
PAGE_LIFETIME_MS = HOUR_S * 1000
NO_SUCH_ATTRIBUTE = "One or more requested attributes do not exist."


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: a clause or None, the attributes to show, how many users, behind which."""

    clause: Filter | None
    wanted: frozenset[str]
    limit: int
    after: str


@operation("ListUsers")
def list_users(services: Services, request: "ListUsersRequestTypeDef") -> Answer:
    """A page of users, sorted by what was searched for; a token is good for an hour and for this query."""
    pool = pool_of(services, request["UserPoolId"])
    asked, wanted = request.get("Filter") or "", frozenset(request.get("AttributesToGet") or ())
    if not wanted <= pool.schema.keys():
        raise InvalidParameterException(NO_SUCH_ATTRIBUTE)
    clause, listing = filters.parse(asked), "|".join(["ListUsers", pool.pool_id, asked, *sorted(wanted)])
    after = page_after(services, listing, request.get("PaginationToken"), lifetime_ms=PAGE_LIFETIME_MS)
    query = Query(clause, wanted, request.get("Limit") or USERS_LISTED_MAX, after)
    users, last = services.store.read(lambda tx: _page(services, tx, pool, query))
    answer: dict[str, Any] = {"Users": [user_type(user, wanted) for user in users]}
    if last is not None:
        answer["PaginationToken"] = page_token(services, listing, last)
    return answer


def _page(services: Services, tx: Transaction, pool: Pool, query: Query) -> tuple[list[User], str | None]:
    """The users of a page, and the place behind which the next one begins, if there may be one."""
    size = query.limit + 1 if query.clause is None else CANDIDATES_MAX
    candidates = _candidates(services, tx, pool, query, size)
    found: list[User] = []
    for number, candidate in enumerate(candidates):
        if len(found) == query.limit:
            return _sorted(found, query), candidates[number - 1].place
        user = _fitting(candidate, query.clause)
        if user is not None:
            found.append(user)
    return _sorted(found, query), candidates[-1].place if len(candidates) == size else None


def _candidates(services: Services, tx: Transaction, pool: Pool, query: Query, size: int) -> list[Candidate]:
    """So many users at most, among whom are the next who fit; fewer only where there are no more."""
    clause, pool_id, page = query.clause, pool.pool_id, (query.after, size)
    if clause is None:
        return tx.search.list_all(pool_id, *page)
    if clause.attribute == filters.SUB:
        found = tx.search.list_by_sub(pool_id, clause.value.casefold(), page)
        return found if clause.is_prefix else found[:1]
    if clause.attribute == filters.STATUS:
        statuses = [status for status in Status if clause.matches(status.value)]
        return tx.search.list_by_status(pool_id, statuses, page)
    if clause.attribute == filters.ENABLING and not clause.matches(filters.ENABLED):
        return tx.search.list_disabled(pool_id, *page)
    mark = clause.mark()
    if mark is None:
        return tx.search.list_all(pool_id, *page)
    return tx.search.list_marked(pool_id, services.pool_secrets.of(pool).mark(mark), page)


def _fitting(candidate: Candidate, clause: Filter | None) -> User | None:
    """The user, if they fit; one whom the clear part of their row rules out is not even opened."""
    if clause is None:
        return candidate.open()
    if clause.attribute == filters.STATUS and not clause.matches(candidate.status):
        return None
    if clause.attribute == filters.ENABLING and not clause.matches(candidate.enabling):
        return None
    user = candidate.open()
    return user if user is not None and clause.fits(user) else None


def _sorted(found: list[User], query: Query) -> list[User]:
    """The users in the order of what was searched for; refused if one lacks what all are asked to show."""
    clause = query.clause
    asked_of_all = query.wanted - filters.SEARCHABLE.keys()
    if any(not asked_of_all <= user.attributes.keys() for user in found):
        raise InvalidParameterException(NO_SUCH_ATTRIBUTE)
    return found if clause is None else sorted(found, key=lambda user: (clause.order_of(user), user.sub))
