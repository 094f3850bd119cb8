"""Alarms are told when they begin and when they are over; what does not open is counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.typing import EventDict

from cenote.alarms import LATE_MS, QUIET_ROUNDS, Alarms, Watch
from cenote.domain.sealed import Grave, digest_of
from cenote.lookback import look_back
from cenote.vault.sealing import Unopenable
from tests.commands import said_beside
from tests.engines import NOW_MS, Engine, open_postgres, open_sqlite
from tests.house import House, Tenant
from tests.lines import caught_lines


@pytest.fixture(params=[open_sqlite, open_postgres], ids=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    opened: Engine = request.param(tmp_path)
    yield opened
    opened.close()


def told(lines: list[EventDict]) -> list[tuple[str, str, int | None]]:
    names = {"alarm raised", "alarm over"}
    return [(one["event"], one["what"], one.get("count")) for one in lines if one["event"] in names]


def test_an_alarm_is_told_once_when_it_begins_and_once_when_it_is_over():
    alarms = Alarms()
    with caught_lines() as lines:
        for is_wrong in (False, True, True, False, False, True):
            alarms.tell("it burns", is_wrong=is_wrong, count=3)
    raised, over = ("alarm raised", "it burns", 3), ("alarm over", "it burns", None)
    assert told(lines) == [raised, over, raised]
    assert [one["log_level"] for one in lines] == ["error", "warning", "error"]


def test_a_tombstone_that_stays_owed_is_an_alarm_until_it_is_known_to_be_written(engine):
    ann, watch = engine.add_user(), Watch(engine.store, engine.vault)
    engine.store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    with caught_lines() as lines:
        watch.step(NOW_MS + LATE_MS)
        assert told(lines) == []
        for late_ms in range(1, 4):
            watch.step(NOW_MS + LATE_MS + late_ms)
        assert told(lines) == [("alarm raised", "tombstones owed", 1)]
        engine.store.write(lambda tx: tx.ledger.mark_done([digest_of(ann.sub)]))
        watch.step(NOW_MS + LATE_MS + 9)
    assert told(lines)[1:] == [("alarm over", "tombstones owed", None)]


def test_a_row_that_does_not_open_is_counted_and_an_alarm_until_it_is_quiet(engine):
    ann, watch = engine.add_user(), Watch(engine.store, engine.vault)
    bob = engine.add_user(b"bob")
    damaged = bytes(len(ann.wrapped.wrapped))
    spoil = "update keys set wrapped = :wrapped where sub = :sub"
    engine.store.write(lambda tx: tx.users._ground.run(spoil, {"wrapped": damaged, "sub": ann.sub}))
    torn = "update users set profile = :profile where sub = :sub"
    engine.store.write(lambda tx: tx.users._ground.run(torn, {"profile": bytes(80), "sub": bob.sub}))
    with caught_lines() as lines:
        watch.step(NOW_MS)
        for number, one in enumerate((ann, bob), 1):
            with pytest.raises(Unopenable):
                one.is_held()
            assert engine.vault.keyring.unopenable_total == number
        for _ in range(QUIET_ROUNDS):
            watch.step(NOW_MS)
        assert told(lines) == [("alarm raised", "rows don't open", 2)]
        watch.step(NOW_MS)
    assert told(lines)[1:] == [("alarm over", "rows don't open", None)]


def test_a_slot_with_anothers_tombstone_is_an_alarm_and_nothing_is_deleted_for_it(engine):
    ann, watch = engine.add_user(), Watch(engine.store, engine.vault)
    engine.vault.folder.bury([Grave(digest_of("somebody else"), ann.wrapped.slot)])
    seen = look_back(engine.store, engine.vault.keyring, NOW_MS)
    assert (seen.foreign, seen.unread, seen.erased_users) == (1, 0, 0)
    watch.wrong_slots = seen.unread + seen.foreign
    with caught_lines() as lines:
        watch.step(NOW_MS)
        watch.wrong_slots = 0
        watch.step(NOW_MS)
    assert told(lines) == [("alarm raised", "slots are wrong", 1), ("alarm over", "slots are wrong", None)]
    kept = "select count(*) from users where sub = :sub"
    assert engine.store.read(lambda tx: tx.users._ground.run(kept, {"sub": ann.sub}).fetchone())[0] == 1


def test_the_figures_say_who_is_held_and_what_is_owed_and_does_not_open(house: House):
    tenant = Tenant(house)
    sub = tenant.sign_up("ann")

    def figure(name: str) -> float:
        _status, _headers, body = house.http("GET", "/metrics")
        (line,) = [line for line in body.decode().splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    before = figure("cenote_legal_holds")
    words = ("--pool", tenant.pool_id, "--sub", sub, "--reason", "x")
    said_beside(house, "user", "hold", *words)
    assert figure("cenote_legal_holds") == before + 1
    said_beside(house, "user", "release", *words)
    assert figure("cenote_legal_holds") == before
    assert [figure(f"cenote_{name}") for name in ("unopenable", "slots_wrong")] == [0, 0]
