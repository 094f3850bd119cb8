"""The benchmarks measure what they say: right answers, a house like any other, and no rate of their own."""

import pytest

from benchmarks.budgets import verdicts
from benchmarks.load import BUSY_SHARE_MAX, Outcome
from benchmarks.measure import SRP_SIGN_IN, Measurement
from benchmarks.own_cost import own_cost
from benchmarks.page import page
from benchmarks.people import some_of
from benchmarks.results import Results
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import CenoteOnSQLite, all_of
from benchmarks.tour import Plan, tour

USERS = 40


@pytest.fixture(scope="module")
def results() -> Results:
    """A run as small as a run can be."""
    told: list[str] = []
    plan = Plan(sizes=[USERS], callers=[2], seconds=0.5, scenarios=all_of(), with_flood=True)
    rows = list(tour([CenoteOnSQLite()], plan, told.append))
    return Results("a machine", "Python", "0", 1.0, 1e6, rows, told)


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


def test_a_rate_that_is_missed_on_a_busy_machine_is_said_to_be():
    def row(others_cores: float) -> Measurement:
        return Measurement(
            scenario="DeleteUser",
            server="Cenote, SQLite",
            users=1_000,
            callers=32,
            calls=1,
            seconds=1.0,
            rate=10.0,
            p50_ms=1.0,
            p99_ms=1.0,
            cpu_ms=0.2,
            database_cpu_ms=0.0,
            memory_mib=50.0,
            generator_us=10.0,
            others_cores=others_cores,
            start_s=0.5,
        )

    def verdict_on(measured: Measurement) -> dict[str, str]:
        return {verdict.words: verdict.verdict for verdict in verdicts([measured])}

    assert verdict_on(row(1.0))["at least 3,000 calls/s"] == "missed, on a shared machine"
    assert verdict_on(row(0.0))["at least 3,000 calls/s"] == "missed"
    assert verdict_on(row(1.0))["at most 0.30 ms of the server's processor time"] == "kept"
