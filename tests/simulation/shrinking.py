"""Making a failing plan smaller, so that whoever looks for the cause has less to read."""

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.histories import History, run
from tests.simulation.plans import Plan

TRIES_MAX = 300
SCHEDULES = 4


def shrunk(history: History) -> History:
    """The smallest failing history that was found by leaving things out of its plan."""
    tries = 0
    smaller: History | None = history
    while smaller is not None:
        history, smaller = smaller, None
        for plan in _in_other_orders(history.plan):
            tries += 1
            if tries > TRIES_MAX:
                return history
            found = run(plan)
            if found.faults:
                smaller = found
                break
    return history


def _in_other_orders(plan: Plan) -> Iterator[Plan]:
    """Smaller plans, each in a few schedules: whoever is left out may have decided who met whom."""
    for smaller in _smaller(plan):
        for schedule in range(SCHEDULES):
            yield replace(smaller, schedule=schedule)


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Plans with one thing less."""
    for index in range(len(plan.disasters)):
        yield replace(plan, disasters=(*plan.disasters[:index], *plan.disasters[index + 1 :]))
    for plainer in (
        replace(plan, has_mirror=False),
        replace(plan, is_deaf=False),
        replace(plan, is_loose=False),
        replace(plan, jump_hours=0),
        replace(plan, carried=0),
    ):
        if plainer != plan:
            yield plainer
    for index in range(len(plan.scripts)):
        yield replace(plan, scripts=(*plan.scripts[:index], *plan.scripts[index + 1 :]))
    for index, moves in enumerate(plan.scripts):
        if len(moves) > 1:
            fewer = moves[:-1]
            yield replace(plan, scripts=(*plan.scripts[:index], fewer, *plan.scripts[index + 1 :]))
