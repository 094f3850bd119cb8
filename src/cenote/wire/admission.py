"""
Who is let in: rules about addresses (Forbidden), quotas (TooManyRequests) and read-only pools
(OperationNotEnabled), which the protocol asks for in this order.

Rules hold the operations that document ForbiddenException: those of users.  Administrators' have policies,
which know addresses too.  Where nothing is set, each question is one comparison.
"""

from typing import Any

from cenote.counting import Counting
from cenote.domain.quotas import QuotaTable
from cenote.domain.read_only import is_still_enabled
from cenote.domain.rules import RuleBook, address_of, counted_as
from cenote.errors import ForbiddenException, OperationNotEnabledException, TooManyRequestsException
from cenote.orders import Orders
from cenote.wire.homes import Homes
from cenote.wire.model import Operation

_FORBIDDEN = ForbiddenException.__name__


class Admission:
    """
    The operator's word on each call.

    Visits of addresses and requests to quotas are counted apart: a flood of names among the ones makes nobody
    forget the others.
    """

    def __init__(
        self,
        homes: Homes,
        orders: Orders,
        quotas: QuotaTable | None,
        *,
        visits: Counting,
        requests: Counting,
    ) -> None:
        self._homes = homes
        self._orders = orders
        self._quotas = quotas
        self._visits = visits
        self._requests = requests

    def check_server_rules(self, operation: Operation, address: str) -> None:
        """Refuse an address by the rules that hold for every pool; nothing of the body is read yet."""
        book = self._orders.standing.book
        if book.is_about_everybody and _FORBIDDEN in operation.errors:
            self._check(book, None, operation.name, address)

    def check_pool_rules(self, operation: Operation, address: str, request: object) -> None:
        """Refuse an address by the rules of the pool that a request is for, whatever else is wrong."""
        book = self._orders.standing.book
        if book.is_about_pools and _FORBIDDEN in operation.errors:
            pool_id = self._homes.pool_of(operation, request)
            if pool_id is not None:
                self._check(book, pool_id, operation.name, address)

    def check_quota(self, operation: Operation, request: dict[str, Any]) -> None:
        """Refuse what is more in a second than the quotas of its user, its pool and the account allow."""
        if self._quotas is None:
            return
        for allowances in self._quotas.asked(self._homes.asker_of(operation, request)):
            if not any(self._requests.take(one.name, one.per_second, 1) for one in allowances):
                raise TooManyRequestsException(detail=f"quota {allowances[-1].told or allowances[-1].name}")

    def check_read_only(self, operation: Operation, request: dict[str, Any]) -> None:
        """Refuse what would change a pool that is only read."""
        read_only = self._orders.standing.read_only
        if not (read_only or self._orders.all_read_only):
            return
        if is_still_enabled(operation.name, request.get("ChallengeName")):
            return
        if self._orders.all_read_only or self._homes.pool_of(operation, request) in read_only:
            raise OperationNotEnabledException

    def _check(self, book: RuleBook, pool_id: str | None, operation: str, peer: str) -> None:
        address = address_of(peer)
        blocking = book.blocking(pool_id, operation, address)
        if blocking is not None:
            raise ForbiddenException(detail=f"rule {blocking}")
        for rule in book.rates(pool_id, operation):
            if not self._visits.take(f"{rule.rule_id}/{counted_as(address)}", rule.requests, rule.window_s):
                raise ForbiddenException(detail=f"rule {rule.rule_id}")
