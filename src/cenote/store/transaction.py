"""
A transaction: the tables, each with its verbs.

`add_` is unique or raises, `find_` is to show, `hold_` is to read in order to write, `save_` writes what was
held, `take_` deletes and returns (once), `list_` is a page.
"""

from cenote.domain.sealed import Grave
from cenote.store.access_keys import AccessKeyTable
from cenote.store.attempts import ActivityTable, AttemptTable
from cenote.store.audit import AuditTable
from cenote.store.belongings import CodeTable, SessionTable
from cenote.store.callers import CallerTable
from cenote.store.changeover import ChangeoverTable
from cenote.store.clients import ClientTable
from cenote.store.errands import ErrandTable
from cenote.store.ground import Ground
from cenote.store.groups import GroupTable
from cenote.store.holds import HoldTable
from cenote.store.inventory import InventoryTable
from cenote.store.ledger import FallenTable, LedgerTable
from cenote.store.meta import MetaTable
from cenote.store.orders import OrderTable
from cenote.store.outbox import OutboxTable
from cenote.store.pools import PoolTable
from cenote.store.recovery import RecoverableTable
from cenote.store.search import SearchTable
from cenote.store.users import UserTable


class Transaction:
    """Everything that may be asked of the store."""

    __slots__ = (
        "_ground",
        "access_keys",
        "activity",
        "attempts",
        "audit",
        "callers",
        "changeover",
        "clients",
        "codes",
        "errands",
        "fallen",
        "groups",
        "holds",
        "inventory",
        "ledger",
        "meta",
        "orders",
        "outbox",
        "pools",
        "recoverable",
        "search",
        "sessions",
        "users",
    )

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.meta = MetaTable(ground)
        self.pools = PoolTable(ground)
        self.clients = ClientTable(ground)
        self.users = UserTable(ground)
        self.search = SearchTable(ground)
        self.groups = GroupTable(ground)
        self.callers = CallerTable(ground)
        self.sessions = SessionTable(ground)
        self.codes = CodeTable(ground)
        self.attempts = AttemptTable(ground)
        self.activity = ActivityTable(ground)
        self.outbox = OutboxTable(ground)
        self.ledger = LedgerTable(ground)
        self.fallen = FallenTable(ground)
        self.access_keys = AccessKeyTable(ground)
        self.holds = HoldTable(ground)
        self.audit = AuditTable(ground)
        self.errands = ErrandTable(ground)
        self.inventory = InventoryTable(ground)
        self.changeover = ChangeoverTable(ground)
        self.recoverable = RecoverableTable(ground)
        self.orders = OrderTable(ground)

    @property
    def history(self) -> str:
        """Which history the database is of: another one after a fail-over; "" where there is only one."""
        return self._ground.history

    def take_graves(self) -> list[Grave]:
        """The tombstones that this transaction owes once it is committed; each is told once."""
        graves, self._ground.graves = self._ground.graves, []
        return graves
