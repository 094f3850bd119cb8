"""The simulator itself: the same seed makes the same history, and each planted fault is found."""

import subprocess
import sys
from pathlib import Path

import pytest

from cenote.domain import callers as refusals
from cenote.domain.sealed import Grave, digest_of
from cenote.errors import UserNotFoundException
from cenote.housekeeping import Housekeeper
from cenote.store import users
from cenote.store.committer import Committer, _settle
from tests.simulation.histories import run
from tests.simulation.plans import plan_of
from tests.simulation.shrinking import shrunk
from tests.simulation.world import LOOKING
from tests.writers import WRITERS

PLANS = 1_000
SEEDS_MAX = 500  # within so many a planted fault must be found
ROOT = Path(__file__).parents[2]


def an_erasure_that_forgets_what_hangs_on_users(patch):
    kept = tuple(table for table in users.TABLES_OF_A_USER if table != "belongings")
    patch.setattr(users, "TABLES_OF_A_USER", kept)


def an_erasure_that_leaves_names_taken(patch):
    patch.setattr(users, "TABLES_OF_A_USER", tuple(one for one in users.TABLES_OF_A_USER if one != "names"))


def a_user_who_is_found_and_then_erased(patch):
    """Whoever finds the user believes that it is they who erase them."""

    def erase(services, sub):
        slot = services.store.read(lambda tx: dict(tx.users.list_slots("", 1_000)).get(sub))
        if slot is None:
            raise UserNotFoundException

        def body(tx):
            tx.users.bury_again(sub, slot, now_ms=services.now_ms())
            tx.users._ground.graves.append(Grave(digest_of(sub), slot))

        services.store.write(body)

    for module in ("profile", "admin_users"):
        patch.setattr(f"cenote.operations.{module}.erase", erase)


def an_answer_before_the_tombstone(patch):
    def hand_over(committer, batch):
        graves = [grave for ticket in batch for grave in ticket.graves]
        if graves:
            committer._vault.tombstones.submit(graves, lambda: None)
        _settle(batch)

    patch.setattr(Committer, "_hand_over", hand_over)


def a_refusal_that_is_not_rolled_back(patch):
    """A body that raises leaves what it had written to the batch."""

    def run_body(committer, ticket):
        try:
            ticket.result = ticket.body(committer._transaction)
        except Exception as failure:  # noqa: BLE001 - as the committer does
            ticket.failure = failure
        ticket.graves = committer._transaction.take_graves()
        committer._reach("body.after")

    patch.setattr(Committer, "_run_body", run_body)


def a_redo_that_only_says_so(patch):
    for module in ("agreement", "housekeeping"):
        patch.setattr(f"cenote.{module}.bury", lambda _folder, lines: {line.digest for line in lines})


def a_house_that_never_looks_back(patch):
    patch.setattr(Housekeeper, "_look_back", lambda _housekeeper: None)


def tokens_that_are_their_names(patch):
    """A token speaks for whoever bears its user's name now."""

    def refusal(presence, **named):
        return None if presence.user is not None else told(presence, **named)

    told = refusals.refusal
    patch.setattr(refusals, "refusal", refusal)


FAULTS = [
    an_erasure_that_forgets_what_hangs_on_users,
    an_erasure_that_leaves_names_taken,
    a_user_who_is_found_and_then_erased,
    an_answer_before_the_tombstone,
    a_refusal_that_is_not_rolled_back,
    a_redo_that_only_says_so,
    a_house_that_never_looks_back,
    tokens_that_are_their_names,
]


def first_failing():
    histories = (run(plan_of(seed)) for seed in range(SEEDS_MAX))
    return next((history for history in histories if history.faults), None)


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant, monkeypatch):
    plant(monkeypatch)
    assert first_failing() is not None


def test_a_failing_history_is_made_smaller(monkeypatch):
    a_user_who_is_found_and_then_erased(monkeypatch)
    found = first_failing()
    smaller = shrunk(found)
    assert smaller.faults
    assert sum(map(len, smaller.plan.scripts)) <= sum(map(len, found.plan.scripts))
    assert len(smaller.plan.scripts) == 2  # two who erase one user


def test_every_operation_that_writes_takes_part_in_some_history():
    plans = [plan_of(seed) for seed in range(PLANS)]
    asked = {move.operation for plan in plans for moves in plan.scripts for move in moves}
    assert asked == {*WRITERS, *LOOKING}


@pytest.mark.parametrize("seed", [14, 15])
def test_one_seed_is_one_history_in_every_process(seed):
    told = run(plan_of(seed)).told()
    again = subprocess.run(
        [sys.executable, "-m", "tests.simulation", str(seed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.stdout == told + "\n", again.stderr
