"""
The house as a whole: builds Services and the application from Settings.  The only place that knows every
part.
"""

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cenote.clock import Clock
from cenote.courier import Courier, Habits
from cenote.delivery.console import ConsoleSender
from cenote.delivery.sending import Sender
from cenote.gate import Gate, waiting_max
from cenote.housekeeping import Housekeeper
from cenote.http.development import doors
from cenote.http.edge import application
from cenote.http.metrics import Figure, Metrics
from cenote.opening import Vault, open_vault
from cenote.seams import Seams
from cenote.services import Locality, Services
from cenote.settings import Settings
from cenote.store.contract import Store
from cenote.store.sqlite import SQLiteStore
from cenote.vault.pool_secrets import PoolSecrets
from cenote.verification import VerificationKeys
from cenote.wire.authorization import AccessKeys, AnyCredentials
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
    "sign_in.respond",
    "sign_up",
    "tags",
)
_PUBLIC_URL = "public_url"


@dataclass(frozen=True, slots=True)
class Application:
    """A running house: its WSGI face, its seams, and its end."""

    wsgi: Callable[..., Any]
    services: Services
    close: Callable[[], None]


def build(settings: Settings) -> Application:
    """Open the data and its vault and put everything together; `CenoteError` says why it can't be done."""
    seams, sender = Seams(), _sender(settings)
    store = open_store(settings, seams.reach)
    try:
        vault = open_vault(settings, store, seams.reach)
    except BaseException:
        store.close()
        raise
    clock = Clock(store)
    housekeeper = Housekeeper(store, vault, clock.now_ms)
    services = _services(settings, store, vault, clock)
    authorizer = AnyCredentials() if settings.dev else AccessKeys(services)
    protocol = Protocol(Model.load(), services, authorizer, load_operations())
    courier = None
    if sender is not None:
        courier = Courier(
            store,
            sender,
            clock.now_ms,
            Habits(keeps_sent=settings.dev, is_alone=settings.database_url is None, reach=seams.reach),
        )
    metrics = Metrics(_figures(store, vault, courier))
    extra = doors(services, clock.advance, seams) if settings.dev else []

    def close() -> None:
        if courier is not None:
            courier.close()
        housekeeper.close()
        store.close()
        vault.close()

    return Application(application(protocol, services, metrics, extra), services, close)


def open_store(settings: Settings, reach: Callable[[str], None] = lambda _name: None) -> Store:
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


def _sender(settings: Settings) -> Sender | None:
    """Whoever carries the messages; with nobody configured they wait."""
    if settings.smtp_url is not None:
        from cenote.delivery.smtp import Relay, SmtpSender

        return SmtpSender(Relay.of_url(settings.smtp_url), settings.smtp_from or "")
    return ConsoleSender() if settings.console_messages else None


def _figures(store: Store, vault: Vault, courier: Courier | None) -> list[Figure]:
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


def _services(settings: Settings, store: Store, vault: Vault, clock: Clock) -> Services:
    return Services(
        locality=Locality(settings.region, settings.account, _public_url(settings, store), settings.issuer),
        store=store,
        keyring=vault.keyring,
        pool_secrets=PoolSecrets(vault.keyring),
        verification=VerificationKeys(store),
        master=vault.master,
        server_secret=vault.server_secret,
        gate=Gate(waiting_max=waiting_max(settings.threads)),
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
