"""The benchmarks measure what they say: right answers, a house like any other, and no rate of their own."""

import msgspec
import pytest

from benchmarks.budgets import flatness, slot_verdicts, verdicts
from benchmarks.load import BUSY_SHARE_MAX, Outcome
from benchmarks.measure import SRP_SIGN_IN, Measurement
from benchmarks.own_cost import own_cost
from benchmarks.page import page
from benchmarks.people import some_of
from benchmarks.results import Results
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import CenoteOnSQLite, all_of
from benchmarks.slots import SlotsCost
from benchmarks.tour import Plan, slots_users, tour

USERS = 40


@pytest.fixture(scope="module")
def results() -> Results:
    """A run as small as a run can be."""
    run = Results("a machine", "Python", "0", 1.0, 1e6, [], [])
    plan = Plan(
        sizes=[USERS],
        callers=[2],
        seconds=0.5,
        scenarios=all_of(),
        with_flood=True,
        with_backups=True,
        with_slots=True,
    )
    for finding in tour([CenoteOnSQLite()], plan, run.told.append):
        run.note(finding)
    return run


def test_every_call_is_measured_and_answered_rightly(results):
    assert results.told == []
    measured = [row.scenario for row in results.rows[:-1]]
    assert [name for name in measured if name != SRP_SIGN_IN] == [scenario.name for scenario in SCENARIOS]
    assert measured.index(SRP_SIGN_IN) == measured.index("PASSWORD_VERIFIER") + 1
    assert all(row.calls and row.cpu_ms and row.memory_mib for row in results.rows[:-1])


def test_get_user_is_measured_beside_a_flood(results):
    flooded = results.rows[-1]
    assert flooded.calls
    assert flooded.p99_ms > 0
    assert "sign-ins a second were due" in flooded.note


def test_the_page_shows_the_run(results, tmp_path):
    results.write(tmp_path / "results.json")
    text = page(Results.read(tmp_path / "results.json"))
    assert all(scenario.name in text for scenario in SCENARIOS)
    assert [results.fillings[0].users, results.slots[0].users, results.backups[0].users] == [USERS] * 3
    for heading in ("What slots cost", "Filling", "Backups, and the way back"):
        assert f"## {heading}" in text


def test_a_run_of_former_days_is_read_as_one_that_measured_no_backups(results, tmp_path):
    former = msgspec.json.decode(msgspec.json.encode(results), type=dict[str, object])
    for name in ("fillings", "backups", "slots"):
        del former[name]
    (tmp_path / "results.json").write_bytes(msgspec.json.encode(former))
    run = Results.read(tmp_path / "results.json")
    assert (run.rows, run.backups) == (results.rows, [])
    assert "## Backups" not in page(run)


def test_a_generator_that_was_busy_has_no_rate():
    outcome = Outcome(began_s=0.0, ended_s=1.0, busy_share=BUSY_SHARE_MAX + 0.01)
    outcome.latencies_s.extend([0.001] * 1_000)
    assert outcome.rate is None
    outcome.busy_share = BUSY_SHARE_MAX - 0.01
    assert outcome.rate == 1_000


def test_the_generator_knows_its_own_price():
    own = own_cost()
    assert own.call_us > 0
    assert own.calls_per_s_max == pytest.approx(1e6 / own.call_us)


def test_the_same_people_are_chosen_each_time_from_everywhere_among_them():
    chosen = some_of(1_000, 100)
    assert chosen == some_of(1_000, 100)
    assert len(set(chosen)) == 100
    assert min(chosen) < 100
    assert max(chosen) > 900


def measured(
    *, users: int = 1_000, others_cores: float = 0.0, cpu_ms: float = 0.2, database_cpu_ms: float = 0.0
) -> Measurement:
    """A row that says little but this."""
    return Measurement(
        scenario="DeleteUser",
        server="Cenote, SQLite",
        users=users,
        callers=32,
        calls=1,
        seconds=1.0,
        rate=10.0,
        p50_ms=1.0,
        p99_ms=1.0,
        cpu_ms=cpu_ms,
        database_cpu_ms=database_cpu_ms,
        memory_mib=50.0,
        generator_us=10.0,
        others_cores=others_cores,
        start_s=0.5,
    )


def test_a_rate_that_is_missed_on_a_busy_machine_is_said_to_be():
    def verdict_on(row: Measurement) -> dict[str, str]:
        return {verdict.words: verdict.verdict for verdict in verdicts([row])}

    busy, free = measured(others_cores=1.0), measured(others_cores=0.0)
    assert verdict_on(busy)["at least 3,000 calls/s"] == "missed, on a shared machine"
    assert verdict_on(free)["at least 3,000 calls/s"] == "missed"
    assert verdict_on(busy)["at most 0.30 ms of the server's processor time"] == "kept"


def test_a_call_is_flat_by_what_server_and_database_spend_at_the_ends():
    sizes = [
        measured(users=1_000_000, cpu_ms=0.2, database_cpu_ms=0.0399),
        measured(users=1_000, cpu_ms=0.2),
        measured(users=10_000, cpu_ms=9.0),
    ]
    (flat,) = flatness(sizes)
    assert list(flat.cpu_ms) == [1_000, 10_000, 1_000_000]
    assert flat.times == pytest.approx(1.1995)
    assert flat.verdict == "kept"
    (steep,) = flatness([*sizes[1:], measured(users=1_000_000, cpu_ms=0.25)])
    assert steep.times == pytest.approx(1.25)
    assert steep.verdict == "missed"


def test_slots_may_take_three_tenths_of_the_erasures_and_two_microseconds_of_a_read():
    def verdicts_on(rate_with: float, open_us_with: float, others_cores: float = 0.0) -> list[str]:
        cost = SlotsCost(
            server="Cenote, SQLite",
            users=1_000,
            erased=1,
            rate_with=rate_with,
            rate_without=1_000.0,
            cpu_ms_with=1.0,
            cpu_ms_without=1.0,
            open_us_with=open_us_with,
            open_us_without=10.0,
            others_cores=others_cores,
        )
        return [one.verdict for one in slot_verdicts([cost])]

    assert verdicts_on(700.0, 12.0) == ["kept", "kept"]
    assert verdicts_on(690.0, 12.1) == ["missed", "missed"]
    assert verdicts_on(690.0, 12.0, others_cores=1.0) == ["missed, on a shared machine", "kept"]


def test_slots_are_weighed_once_where_it_does_not_take_long():
    assert slots_users([1_000, 10_000, 1_000_000]) == 10_000
    assert slots_users([1_000_000, 20_000]) == 20_000
