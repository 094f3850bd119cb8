"""
The house as a whole: builds Services and the application from Settings.  The only place that knows every
part.
"""

import importlib
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from cenote.blindings import Blindings
from cenote.clock import Clock
from cenote.cores import Cores
from cenote.counting import Counting
from cenote.courier import Courier, Habits
from cenote.delivery.console import ConsoleSender
from cenote.delivery.sending import Sender
from cenote.domain.quotas import QuotaTable, quota_table
from cenote.domain.rules import network_of
from cenote.errors import CenoteError
from cenote.gate import Gate
from cenote.housekeeping import Housekeeper
from cenote.http.development import doors
from cenote.http.edge import application
from cenote.http.metrics import Figure, Metrics
from cenote.http.peers import Peers
from cenote.opening import Vault, open_vault
from cenote.operations.sign_in.challenges import pool_of_session
from cenote.orders import Orders
from cenote.seams import Seams
from cenote.services import Locality, Services
from cenote.settings import Settings
from cenote.stand_ins import StandIns
from cenote.store.contract import Engine, Store
from cenote.store.sqlite import SQLiteStore
from cenote.turns import Turns
from cenote.vault.pool_secrets import PoolSecrets
from cenote.verification import VerificationKeys
from cenote.wire.admission import Admission
from cenote.wire.authorization import AccessKeys, AnyCredentials
from cenote.wire.homes import Homes
from cenote.wire.model import Model
from cenote.wire.protocol import Protocol, served

OPERATION_MODULES = (
    "admin_create_user",
    "admin_passwords",
    "admin_users",
    "attributes",
    "client_secrets",
    "clients",
    "groups",
    "list_users",
    "memberships",
    "mfa_config",
    "pools",
    "profile",
    "recovery",
    "sign_in.initiate_auth",
    "sign_in.renewal",
    "sign_in.respond",
    "sign_in.revocation",
    "sign_up",
    "tags",
)
_PUBLIC_URL = "public_url"


@dataclass(frozen=True, slots=True)
class Application:
    """A running house: its WSGI face, its seams, its clock, and its end."""

    wsgi: Callable[..., Any]
    services: Services
    clock: Clock
    peers: Peers
    turns: Turns
    close: Callable[[], None]


def build(settings: Settings, *, keeps_messages: bool = False, cores: Cores | None = None) -> Application:
    """
    Open the data and its vault and put everything together; `CenoteError` says why it can't be done.

    `keeps_messages`: those that were sent can still be read for a day, as they always can in development.
    """
    seams, sender, quotas = Seams(), _sender(settings), _quotas(settings)
    visits, requests = Counting(settings.quota_store_url), Counting(settings.quota_store_url)
    with ExitStack() as opened:
        store = open_store(settings, seams.reach)
        opened.callback(store.close)
        vault = open_vault(settings, store, seams.reach)
        opened.pop_all()  # what the store still commits at its end may owe tombstones: the vault outlives it
        opened.callback(vault.close)
        opened.callback(store.close)
        clock = Clock(store)
        housekeeper = Housekeeper(store, vault, clock.now_ms)
        opened.callback(housekeeper.close)
        services = _services(settings, store, vault, clock, Gate(cores))
        orders = Orders(store, all_read_only=settings.read_only)
        opened.callback(orders.close)
        homes = Homes(services, pool_of_session)
        admission = Admission(homes, orders, quotas, visits=visits, requests=requests)
        authorizer = AnyCredentials() if settings.dev else AccessKeys(services)
        protocol = Protocol(Model.load(), services, authorizer, admission, load_operations())
        courier = None
        if sender is not None:
            habits = Habits(
                keeps_sent=settings.dev or keeps_messages,
                is_alone=settings.database_url is None,
                reach=seams.reach,
            )
            courier = Courier(store, sender, clock.now_ms, habits)
            opened.callback(courier.close)
        turns = Turns(settings.threads, store.calls_at_once)
        opened.callback(turns.close)
        metrics = Metrics([*_figures(store, vault, courier, housekeeper, clock.now_ms), *_lines(turns)])
        extra = doors(services, clock.advance, seams) if settings.dev else []
        peers = Peers([network_of(name) for name in settings.trusted_proxies])
        wsgi = application(protocol, services, metrics, peers, extra)
        return Application(wsgi, services, clock, peers, turns, opened.pop_all().close)


def open_store(settings: Settings, reach: Callable[[str], None] = lambda _name: None) -> Engine:
    """The engine that the settings name, with its schema up to date and no vault yet."""
    if settings.database_url is None:
        return SQLiteStore(settings.data, reach=reach)
    from cenote.store.postgres import PostgresStore

    return PostgresStore(settings.database_url, reach=reach)


def load_operations() -> dict[str, Any]:
    """Import every operation and return the table of them."""
    for name in OPERATION_MODULES:
        importlib.import_module(f"cenote.operations.{name}")
    return served()


def _quotas(settings: Settings) -> QuotaTable | None:
    """The quotas that are kept, if any are."""
    if settings.quotas == "off":
        return None
    try:
        return quota_table(dict(settings.quota_overrides))
    except ValueError as wrong:
        raise CenoteError(f"quota_overrides: {wrong}.") from wrong


def _sender(settings: Settings) -> Sender | None:
    """Whoever carries the messages; with nobody configured they wait."""
    if settings.smtp_url is not None:
        from cenote.delivery.smtp import Relay, SmtpSender

        return SmtpSender(Relay.of_url(settings.smtp_url), settings.smtp_from or "")
    return ConsoleSender() if settings.console_messages else None


def _figures(
    store: Store,
    vault: Vault,
    courier: Courier | None,
    housekeeper: Housekeeper,
    now_ms: Callable[[], int],
) -> list[Figure]:
    return [
        Figure(
            "cenote_tombstones_owed",
            "Erasures without a tombstone yet",
            lambda: store.read(lambda tx: tx.ledger.count_owed()),
        ),
        Figure(
            "cenote_tombstone_failures",
            "Batches of tombstones that failed",
            lambda: vault.tombstones.failures_total,
        ),
        Figure(
            "cenote_unopenable",
            "Keys and values of users, and access keys, that did not open, since the start",
            lambda: vault.keyring.unopenable_total,
        ),
        Figure(
            "cenote_slots_wrong",
            "Slots that the latest look back could not read, or found to be another's",
            lambda: housekeeper.watch.wrong_slots,
        ),
        Figure(
            "cenote_legal_holds",
            "Users who may not be erased",
            lambda: store.read(lambda tx: tx.holds.count(now_ms())),
        ),
        Figure(
            "cenote_recoverable_users",
            "Users whom administrators deleted and who can still be brought back",
            lambda: store.read(lambda tx: tx.recoverable.count()),
        ),
        Figure(
            "cenote_ledger_broken",
            "Whether the ledger's chain was found broken",
            lambda: int(housekeeper.ledger.broken is not None),
        ),
        Figure(
            "cenote_messages_waiting",
            "Messages that are not sent yet",
            lambda: store.read(lambda tx: tx.outbox.count_waiting()),
        ),
        Figure(
            "cenote_messages_given_up",
            "Messages that could not be sent",
            lambda: 0 if courier is None else courier.given_up_total,
        ),
    ]


def _lines(turns: Turns) -> list[Figure]:
    return [
        Figure("cenote_calls_waiting", "Calls that wait for their turn", lambda: turns.waiting),
        Figure(
            "cenote_calls_turned_away",
            "Sign-ins and the like refused because too many waited, since the start",
            lambda: turns.refused_total,
        ),
    ]


def _services(settings: Settings, store: Store, vault: Vault, clock: Clock, gate: Gate) -> Services:
    pool_secrets = PoolSecrets(vault.keyring)
    return Services(
        locality=Locality(settings.region, settings.account, _public_url(settings, store), settings.issuer),
        store=store,
        keyring=vault.keyring,
        pool_secrets=pool_secrets,
        stand_ins=StandIns(vault.keyring),
        verification=VerificationKeys(store, pool_secrets),
        master=vault.master,
        server_secret=vault.server_secret,
        gate=gate,
        blindings=Blindings(os.urandom),
        now_ms=clock.now_ms,
        wall_ms=lambda: time.time_ns() // 1_000_000,
        random_bytes=os.urandom,
    )


def _public_url(settings: Settings, store: Store) -> str:
    """The setting, else the first listener's URL, fixed at the first start: it is in every token's `iss`."""
    if settings.public_url is not None:
        return settings.public_url
    url = settings.listening_url.encode()
    return store.write(lambda tx: tx.meta.add(_PUBLIC_URL, url)).decode()
