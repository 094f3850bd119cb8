"""The ledger's chain on each engine: lines come and stay, get their place once, and none can be taken out."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from typing import Any

import psycopg
import pytest

from cenote.agreement import is_look_back_owed, look_back_is_done
from cenote.chaining import ChainCheck, Chained, chain, examine, is_unchained, trouble_at_start
from cenote.domain.ledger import Head, linked
from cenote.domain.sealed import digest_of
from cenote.errors import CenoteError
from cenote.housekeeping import Housekeeper
from cenote.store.migrations import SQLITE_WORDS, apply, pending
from cenote.store.sqlite import connect
from tests.engines import NOW_MS, at_once, kinds, open_postgres, open_sqlite
from tests.house import environment

MANY = 24
SCHEMA_OF_THE_CHAIN = 11


@pytest.fixture
def witness(engine):
    return engine.vault.witness


@pytest.fixture
def chained(engine, store, witness):
    """Some erasures that stand in the chain, in their order."""
    erased = erase_some(engine, 8)
    chain(store, witness, now_ms=NOW_MS)
    return erased


def erase_some(engine, count, *, now_ms=NOW_MS):
    people = [engine.add_user(b"%d of %d" % (number, now_ms)) for number in range(count)]
    for number, one in enumerate(people):
        engine.store.write(lambda tx, one=one, at=now_ms + number: tx.users.erase(one.sub, at))
    return [digest_of(one.sub) for one in people]


def entries_of(store):
    return store.read(lambda tx: tx.ledger.list_entries(0, sys.maxsize, 10_000))


def examined(store, witness):
    return store.read(lambda tx: examine(tx, witness))


def run(tx, sql):
    """A statement that no verb would run."""
    return tx._ground.run(sql, {})


def take_guards_away(engine, tx):
    """As somebody does who can write the database as they like."""
    for guard in ("ledger_keeps_its_lines", "ledger_changes_no_line"):
        run(tx, f"drop trigger if exists {guard}{'' if engine.url is None else ' on ledger'}")


def behind_the_back(engine, *statements):
    """What somebody alters who can write the database as they like."""

    def body(tx):
        take_guards_away(engine, tx)
        for sql in statements:
            run(tx, sql)

    engine.store.write(body)


def roll_back_to(engine, number):
    """Take away the lines behind this number, and the noted head with them: as an older database would be."""

    def body(tx):
        digest = tx.ledger.find_hash(number) or engine.vault.witness.first.hash
        take_guards_away(engine, tx)
        tx._ground.run("delete from ledger where number > :number", {"number": number})
        tx.ledger.save_head(Head(number, digest))

    engine.store.write(body)
    return chain(engine.store, engine.vault.witness, now_ms=NOW_MS + 5)


@pytest.fixture
def on_postgres(tmp_path):
    """An engine on PostgreSQL."""
    engine = open_postgres(tmp_path)
    yield engine
    engine.close()


# Places in the chain


def test_an_erasure_has_no_place_in_its_own_commit_and_gets_one_behind_it(engine, store, witness):
    erased = erase_some(engine, 3)
    assert entries_of(store) == []
    assert is_unchained(store)
    made = chain(store, witness, now_ms=NOW_MS)
    assert (made.lines, made.gap, made.head.number) == (3, None, 3)
    assert [entry.line.digest for entry in entries_of(store)] == erased
    assert not is_unchained(store)
    assert witness.head() == made.head == store.read(lambda tx: tx.ledger.find_head())


def test_a_place_is_given_once_and_the_chain_goes_on(engine, store, witness, chained):
    before = entries_of(store)
    assert chain(store, witness, now_ms=NOW_MS).lines == 0
    later = erase_some(engine, 2, now_ms=NOW_MS + 1000)
    chain(store, witness, now_ms=NOW_MS)
    after = entries_of(store)
    assert after[: len(before)] == before
    assert [entry.line.digest for entry in after[len(before) :]] == later
    assert examined(store, witness).broken is None


def test_tombstones_are_noted_with_the_place(engine, store, witness):
    buried, owed = (frozenset(erase_some(engine, 2, now_ms=at)) for at in (NOW_MS, NOW_MS + 10))
    chain(store, witness, now_ms=NOW_MS, buried=buried)
    lines = {digest: store.read(lambda tx, digest=digest: tx.ledger.find(digest)) for digest in buried | owed}
    assert {digest for digest, line in lines.items() if line.done} == buried
    chain(store, witness, now_ms=NOW_MS, buried=owed)
    assert store.read(lambda tx: tx.ledger.count_owed()) == 0
    assert examined(store, witness).head.number == 4


def test_pages_of_the_chain_miss_no_entry_and_stop_where_they_are_told(store, chained):
    pages, after = [], 0
    while page := store.read(lambda tx, after=after: tx.ledger.list_entries(after, 7, 3)):
        pages.append([entry.number for entry in page])
        after = page[-1].number
    assert pages == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_line_is_found_with_its_place(engine, store, chained):
    link = store.read(lambda tx: tx.ledger.find_link(chained[3]))
    assert (link.number, link.hash) == (4, store.read(lambda tx: tx.ledger.find_hash(4)))
    (late,) = erase_some(engine, 1, now_ms=NOW_MS + 99)
    assert store.read(lambda tx: tx.ledger.find_link(late)) is None
    assert store.read(lambda tx: tx.ledger.find_hash(99)) is None


def test_those_who_chain_at_once_give_each_line_one_place(engine, store, witness):
    erased = erase_some(engine, MANY)
    outcomes = at_once(*[lambda: chain(store, witness, now_ms=NOW_MS) for _one in range(6)])
    assert sum(made.lines for made in outcomes if isinstance(made, Chained)) == MANY
    assert kinds(outcomes) == {"Chained": 6}
    assert [entry.line.digest for entry in entries_of(store)] == erased
    assert examined(store, witness).broken is None


def test_erasures_go_on_while_others_are_chained_and_none_is_left_out(engine, store, witness):
    people = [engine.add_user(b"%d" % number) for number in range(MANY)]

    def erase(one):
        store.write(lambda tx: tx.users.erase(one.sub, NOW_MS))

    works = [partial(erase, one) for one in people]
    works += [partial(chain, store, witness, now_ms=NOW_MS)] * 6
    assert kinds(at_once(*works)) == {"NoneType": MANY, "Chained": 6}
    chain(store, witness, now_ms=NOW_MS)
    assert {entry.line.digest for entry in entries_of(store)} == {digest_of(one.sub) for one in people}
    assert examined(store, witness).broken is None


def test_an_erasure_waits_for_nobody_who_chains(on_postgres):
    ann = on_postgres.add_user()
    erase_some(on_postgres, 2)
    chain(on_postgres.store, on_postgres.vault.witness, now_ms=NOW_MS)

    def impatient(tx):
        run(tx, "set local lock_timeout = '100ms'")
        tx.users.erase(ann.sub, NOW_MS)

    with psycopg.connect(on_postgres.url) as other:
        other.execute("select value from meta where name = 'ledger_head' for update")
        on_postgres.store.write(impatient)
    assert not ann.is_held()


# Cut off


def test_a_stop_between_the_chain_and_its_voucher_is_mended_by_the_next(engine, store, witness):
    erase_some(engine, 3)
    with pytest.raises(OSError, match="stop"):
        chain(store, witness, now_ms=NOW_MS, reach=stop_at("ledger.before_head"))
    assert witness.head() is None
    assert trouble_at_start(store, witness) is None
    erase_some(engine, 1, now_ms=NOW_MS + 10)
    made = chain(store, witness, now_ms=NOW_MS)
    assert (made.gap, witness.head()) == (None, made.head)
    assert examined(store, witness).broken is None


def test_a_head_that_nobody_vouched_for_is_vouched_for_though_nothing_is_new(engine, store, witness):
    erase_some(engine, 3)
    with pytest.raises(OSError, match="stop"):
        chain(store, witness, now_ms=NOW_MS, reach=stop_at("ledger.before_head"))
    chain(store, witness, now_ms=NOW_MS)
    assert witness.head().number == 3


def stop_at(seam):
    def reach(name):
        if name == seam:
            raise OSError("stop")

    return reach


def test_a_keys_folder_that_is_away_leaves_the_chain_as_it_is(engine, store, witness):
    erase_some(engine, 2)
    (engine.vault.folder.folder / "pair").rename(engine.vault.folder.folder / "away")
    with pytest.raises(CenoteError, match="is away"):
        chain(store, witness, now_ms=NOW_MS)
    assert is_unchained(store)
    (engine.vault.folder.folder / "away").rename(engine.vault.folder.folder / "pair")
    assert chain(store, witness, now_ms=NOW_MS).lines == 2


# The guards of the tables


@pytest.mark.parametrize(
    "sql",
    [
        "delete from ledger",
        "update ledger set slot = slot + 1",
        "update ledger set erased_ms = 0",
        "update ledger set kind = 'pool'",
        "delete from ledger_gaps",
        "update ledger_gaps set noticed_ms = 0",
    ],
)
def test_a_careless_statement_changes_no_line_and_deletes_none(engine, store, witness, sql):
    erase_some(engine, 4)
    gap = make_a_gap(engine, witness)
    before = entries_of(store)
    assert gap in before
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RaiseException), match="append-only"):
        store.write(lambda tx: run(tx, sql))
    assert entries_of(store) == before


def make_a_gap(engine, witness):
    """A database that is found behind what was vouched for, with its guards in place."""
    witness.vouch(Head(3, bytes(32)), NOW_MS)
    lines = engine.store.read(lambda tx: tx.ledger.list_unchained(100))
    buried = frozenset(line.digest for line in lines)
    return chain(engine.store, witness, now_ms=NOW_MS, buried=buried).gap


def test_a_careless_truncate_empties_nothing(on_postgres):
    erase_some(on_postgres, 2)
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        on_postgres.store.write(lambda tx: run(tx, "truncate ledger"))
    assert on_postgres.store.read(lambda tx: tx.ledger.count_owed()) == 2


# Whoever can write the database


@pytest.mark.parametrize(
    "sql, said",
    [
        ("update ledger set slot = 99 where number = 3", "line 3 does not follow"),
        ("update ledger set erased_ms = 1 where number = 8", "line 8 does not follow"),
        ("update ledger set hash = digest where number = 3", "line 3 does not follow"),
        ("update ledger set kind = 'pool' where number = 1", "line 1 does not follow"),
        ("delete from ledger where number = 4", "line 4 is missing"),
        ("delete from ledger where number = 1", "line 1 is missing"),
        ("delete from ledger where number = 8", "its last line is 7, and 8 was noted"),
        ("delete from ledger where number >= 6", "its last line is 5, and 8 was noted"),
        ("delete from ledger", "its last line is 0, and 8 was noted"),
    ],
)
def test_whatever_is_altered_is_found_by_the_walk_and_at_a_start(engine, store, witness, chained, sql, said):
    behind_the_back(engine, sql)
    assert said in (examined(store, witness).broken or "")
    assert said in (trouble_at_start(store, witness) or "")
    check = ChainCheck(store, witness, None)
    for _round in range(4):
        check.step()
    assert said in (check.broken or "")


def test_a_line_that_was_put_behind_the_last_one_is_found(engine, store, witness, chained):
    values = "hash, kind, slot, erased_ms, 1, 9, digest from ledger where number = 8"
    behind_the_back(
        engine, f"insert into ledger (digest, kind, slot, erased_ms, done, number, hash) select {values}"
    )
    assert examined(store, witness).broken == "there are lines behind the last one, 8"


def test_two_lines_that_change_places_are_found(engine, store, witness, chained):
    behind_the_back(
        engine,
        "update ledger set number = number + 100 where number in (3, 4)",
        "update ledger set number = 4 where number = 103",
        "update ledger set number = 3 where number = 104",
    )
    assert "line 3 does not follow" in examined(store, witness).broken


def test_a_whole_chain_that_was_hashed_anew_differs_from_what_was_vouched_for(
    engine, store, witness, chained
):
    """Somebody alters a line and writes every hash behind it anew, and the noted head too."""

    def forge(tx):
        take_guards_away(engine, tx)
        run(tx, "update ledger set slot = 99 where number = 3")
        run(tx, "update ledger set number = null, hash = null")
        links = linked(tx.ledger.list_unchained(100), witness.first)
        tx.ledger.save_links(links)
        tx.ledger.save_head(Head(links[-1].number, links[-1].hash))

    vouched = witness.head()
    store.write(forge)
    said = f"line {vouched.number} is another than the keys folder vouched for"
    assert examined(store, witness).broken == said
    assert trouble_at_start(store, witness) == said
    for at in (NOW_MS + 1000, NOW_MS + 2000):  # it stays on record, whatever is chained behind it
        erase_some(engine, 2, now_ms=at)
        chain(store, witness, now_ms=at)
    assert witness.head().number > vouched.number
    assert examined(store, witness).broken == said


# An older database


def test_a_database_that_is_behind_leaves_a_gap_and_goes_on_with_new_numbers(engine, store, witness, chained):
    vouched = witness.head()
    roll_back_to(engine, 5)
    late = erase_some(engine, 2, now_ms=NOW_MS + 1000)
    chain(store, witness, now_ms=NOW_MS)
    found = examined(store, witness)
    assert found.broken is None
    assert [(gap.number, gap.vouched, gap.present.number) for gap in found.gaps] == [(9, vouched, 5)]
    assert [entry.number for entry in entries_of(store)] == [1, 2, 3, 4, 5, 9, 10, 11]
    assert [entry.line.digest for entry in entries_of(store)[-2:]] == late
    assert found.head == witness.head()


def test_a_gap_is_noted_once_and_owes_a_look_back(engine, store, witness, chained):
    look_back_is_done(store)
    roll_back_to(engine, 5)
    assert is_look_back_owed(store)
    for _again in range(2):
        assert chain(store, witness, now_ms=NOW_MS).gap is None
    assert len(examined(store, witness).gaps) == 1


def test_a_database_without_any_line_is_only_the_oldest_one(engine, store, witness, chained):
    roll_back_to(engine, 0)
    assert [(gap.present.number, gap.number) for gap in examined(store, witness).gaps] == [(0, 9)]
    assert examined(store, witness).broken is None


def test_two_rollbacks_leave_two_gaps_in_one_chain(engine, store, witness, chained):
    roll_back_to(engine, 5)
    erase_some(engine, 3, now_ms=NOW_MS + 1000)
    chain(store, witness, now_ms=NOW_MS)
    roll_back_to(engine, 10)
    found = examined(store, witness)
    assert [gap.number for gap in found.gaps] == [9, 13]
    assert found.broken is None


def test_who_read_an_older_voucher_before_a_fail_over_finds_no_second_gap(engine, store, witness, chained):
    """Of two nodes one notes the gap; the other had read what was vouched for before that."""
    early = Head(7, store.read(lambda tx: tx.ledger.find_hash(7)))
    late = witness.head()
    roll_back_to(engine, 5)
    for read_before in (early, late):
        stale: Any = Remembering(witness, read_before)
        assert chain(store, stale, now_ms=NOW_MS).gap is None
    assert examined(store, witness).broken is None


class Remembering:
    """A node that has read what was vouched for, and is late with what it does about it."""

    def __init__(self, witness, head):
        self.first, self.vouch = witness.first, witness.vouch
        self._head = head

    def head(self):
        return self._head


# The start and the watch over the whole


def test_a_start_looks_at_the_end_alone_and_is_content_with_a_long_chain(engine, store, witness, monkeypatch):
    monkeypatch.setattr("cenote.chaining.LINES_AT_START_MAX", 4)
    erase_some(engine, MANY)
    chain(store, witness, now_ms=NOW_MS)
    assert trouble_at_start(store, witness) is None
    behind_the_back(engine, "update ledger set slot = 99 where number = 2")
    assert trouble_at_start(store, witness) is None  # the watch behind the answers finds it
    assert "line 2" in examined(store, witness).broken


def test_the_watch_walks_all_of_it_some_lines_at_a_time(engine, store, witness, chained, monkeypatch):
    monkeypatch.setattr("cenote.chaining.LINES_PER_CHECK", 3)
    check = ChainCheck(store, witness, None)
    behind_the_back(engine, "update ledger set slot = 99 where number = 8")
    for _round in range(20):
        check.step()
    assert check.broken == "line 8 does not follow from the one before it"


def test_the_housekeeper_chains_what_is_there_and_a_stop_leaves_nothing_unchained(engine, store, witness):
    erased = erase_some(engine, 5)
    Housekeeper(store, engine.vault, lambda: NOW_MS + 60_000).close()
    assert [entry.line.digest for entry in entries_of(store)] == erased
    assert store.read(lambda tx: tx.ledger.count_owed()) == 0
    assert witness.head().number == 5


# Several processes

ERASES = """
import sys
from pathlib import Path
from cenote.chaining import chain, is_unchained
from cenote.opening import open_vault
from cenote.settings import Settings
from cenote.store.postgres import PostgresStore
url, place = sys.argv[1], Path(sys.argv[2])
store = PostgresStore(url)
vault = open_vault(Settings(data=place / "data", database_url=url), store, lambda _name: None)
print("ready", flush=True)
for line in sys.stdin:
    store.write(lambda tx: tx.users.erase(line.strip(), 1_800_000_000_000))
    chain(store, vault.witness, now_ms=1_800_000_000_000)
    print(line.strip(), flush=True)
store.close()
vault.close()
"""


def test_two_processes_erase_and_chain_at_once_on_one_database(on_postgres, tmp_path):
    store, witness = on_postgres.store, on_postgres.vault.witness
    subs = [on_postgres.add_user(b"%d" % number).sub for number in range(2 * MANY)]
    command = [sys.executable, "-c", ERASES, on_postgres.url, str(tmp_path)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment()}
    nodes: list[Any] = [subprocess.Popen(command, **pipes) for _one in range(2)]
    assert [node.stdout.readline() for node in nodes] == ["ready\n"] * 2
    for number, node in enumerate(nodes):
        node.stdin.write("".join(f"{sub}\n" for sub in subs[number::2]))
        node.stdin.flush()
    for node in nodes:
        assert len(node.communicate(timeout=60)[0].splitlines()) == MANY
    chain(store, witness, now_ms=NOW_MS)
    assert {entry.line.digest for entry in entries_of(store)} == set(map(digest_of, subs))
    found = examined(store, witness)
    assert (found.broken, found.gaps, found.head) == (None, (), witness.head())


# An older schema


def test_lines_of_an_older_schema_get_their_places_after_the_migration(tmp_path):
    (tmp_path / "data").mkdir()
    with closing(connect(tmp_path / "data" / "cenote.db", mode="rwc")) as old:
        for number, text in pending(0):
            if number < SCHEMA_OF_THE_CHAIN:
                apply(old, text, SQLITE_WORDS)
                old.execute(f"pragma user_version = {number}")
        for number in range(5):
            digest = bytes([number]) * 32
            old.execute(
                "insert into ledger values (?, 'user', ?, ?, ?)", (digest, number, NOW_MS, number % 2)
            )
    engine = open_sqlite(tmp_path)
    try:
        assert chain(engine.store, engine.vault.witness, now_ms=NOW_MS).lines == 5
        assert examined(engine.store, engine.vault.witness).broken is None
    finally:
        engine.close()
