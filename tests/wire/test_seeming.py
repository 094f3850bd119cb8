"""
Codes that seem to go to nobody: none of them is ever delivered, shown or counted, and none of them stays.

A client that hides who exists writes rows for whatever name somebody makes up; as many as a day's flood would
fill the disk.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cenote.app import Application, build, load_operations
from cenote.housekeeping import _drop_expired
from cenote.services import begin_call
from cenote.settings import Settings
from cenote.store.transaction import Transaction
from tests.postgres import drop_database, new_database

NAMES = [f"nobody-{number}" for number in range(5)]


@pytest.fixture(params=["sqlite", "postgres"])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """A house in this process, on each engine."""
    url = new_database() if request.param == "postgres" else None
    opened = build(Settings(data=tmp_path / "data", database_url=url))
    begin_call("test")
    yield opened
    opened.close()
    if url is not None:
        drop_database(url)


def hiding(application: Application) -> dict[str, Any]:
    """A pool whose client hides who exists: the ids of both."""
    serve = load_operations()
    pool: Any = serve["CreateUserPool"](
        application.services, {"PoolName": "p", "AutoVerifiedAttributes": ["email"]}
    )
    wanted = {"ClientName": "app", "PreventUserExistenceErrors": "ENABLED"}
    client: Any = serve["CreateUserPoolClient"](
        application.services, wanted | {"UserPoolId": pool["UserPool"]["Id"]}
    )
    return {"ClientId": client["UserPoolClient"]["ClientId"], "UserPoolId": pool["UserPool"]["Id"]}


def ask(application: Application, ids: dict[str, Any], operation: str) -> None:
    for name in NAMES:
        request = {"ClientId": ids["ClientId"], "Username": name}
        answer = load_operations()[operation](application.services, request)
        assert answer is not None
        assert "CodeDeliveryDetails" in answer


def rows_of_nobody(tx: Transaction) -> dict[str, int]:
    """How many rows of each kind stand under names that nobody bears."""
    run = tx._ground.run
    found = {
        f"belongings: {kind}": count
        for kind, count in run(
            "select kind, count(*) from belongings where sub like :nobody group by kind",
            {"nobody": "nobody-%"},
        ).fetchall()
    }
    messages = run("select count(*) from outbox where sub like :nobody", {"nobody": "nobody-%"}).fetchone()
    return found | {"outbox": messages[0]}


@pytest.mark.parametrize("operation", ["ForgotPassword", "ResendConfirmationCode"])
def test_what_is_held_for_nobody_goes_with_the_next_clearing(
    application: Application, operation: str
) -> None:
    ids, store, now_ms = hiding(application), application.services.store, application.services.now_ms()
    ask(application, ids, operation)
    many = len(NAMES)
    held = {"belongings: attempts": many, "belongings: code": many, "outbox": many}
    assert store.read(rows_of_nobody) == held
    store.write(lambda tx: _drop_expired(now_ms, tx))
    assert store.read(rows_of_nobody) == {"belongings: attempts": many, "outbox": 0}


def test_it_is_never_due_never_shown_and_never_counted(application: Application) -> None:
    ids, store, now_ms = hiding(application), application.services.store, application.services.now_ms()
    ask(application, ids, "ForgotPassword")
    store.write(lambda tx: tx.outbox.void_claims(now_ms))
    later_ms = now_ms + 10**12
    assert store.read(lambda tx: tx.outbox.list_due({"EMAIL", "SMS"}, later_ms, 100)) == []
    assert store.read(lambda tx: tx.outbox.list_newest(100)) == []
    assert store.read(lambda tx: tx.outbox.count_waiting()) == 0
    assert store.read(lambda tx: tx.users.count(ids["UserPoolId"])) == 0
    assert store.read(lambda tx: tx.users.list_subs(ids["UserPoolId"], 100)) == []
