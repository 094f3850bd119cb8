"""Errands: an order is good for as long as somebody waits for it, whatever is put back into the database."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cenote.errands import LIFE_MS, Erasure, Outcome, carry_out_all, sealed
from tests.engines import NOW_MS, Engine, Newcomer, open_postgres, open_sqlite
from tests.lines import caught_lines

ERRAND = "0123456789abcdef"


@pytest.fixture(params=[open_sqlite, open_postgres], ids=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    opened: Engine = request.param(tmp_path)
    yield opened
    opened.close()


def machine_ms() -> int:
    return time.time_ns() // 1_000_000


def ask(
    engine: Engine, user: Newcomer, *, ordered_ms: int, row_ms: int, errand_id: str = ERRAND
) -> str | None:
    """Leave an errand as a command would, let a server look, and read what it says."""
    order = Erasure(
        errand_id=ERRAND,
        pool_id=engine.pool.pool_id,
        sub=user.sub,
        who="the desk",
        reason="asked for by letter",
        ordered_ms=ordered_ms,
    )
    body = sealed(order, engine.vault.master)
    engine.store.write(lambda tx: tx.errands.add(errand_id, body, row_ms))
    carry_out_all(engine.store, engine.vault, NOW_MS)
    return engine.store.write(lambda tx: tx.errands.take(errand_id))


def test_an_order_of_now_is_carried_out(engine: Engine) -> None:
    user = engine.add_user(b"ann")
    assert ask(engine, user, ordered_ms=machine_ms(), row_ms=machine_ms()) == Outcome.ERASED.value
    assert not user.is_held()


def test_an_order_that_was_put_back_under_a_later_time_is_carried_out_by_nobody(engine: Engine) -> None:
    """Whoever can write rows may have kept one that was refused while the user was held."""
    user = engine.add_user(b"ann")
    with caught_lines() as lines:
        answer = ask(engine, user, ordered_ms=machine_ms() - LIFE_MS - 1, row_ms=machine_ms())
    assert (answer, [line["event"] for line in lines]) == (Outcome.FOREIGN.value, ["foreign errand"])
    assert user.is_held()


@pytest.mark.parametrize("rename", [str.upper, lambda text: text + "0"])
def test_an_order_under_another_name_is_no_order(engine: Engine, rename: Callable[[str], str]) -> None:
    user = engine.add_user(b"ann")
    now_ms = machine_ms()
    answer = ask(engine, user, ordered_ms=now_ms, row_ms=now_ms, errand_id=rename(ERRAND))
    assert answer == Outcome.FOREIGN.value
    assert user.is_held()
