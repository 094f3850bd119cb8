"""
The order of measurements: each server filled to each size, each scenario with each number of callers.

Where a server is filled anew for each measurement, most of its people may be erased in one; where it is not,
they are shared out, so that the last measurement still finds nearly as many as the first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.backups import backups
from benchmarks.measure import CALLS_MAX, Measurement, beside_a_flood, both_legs, measure
from benchmarks.results import Finding
from benchmarks.scenarios import DELETE_USER, PROOF, SCENARIOS, SIGN_IN, SRP, Scenario
from benchmarks.servers import CenoteHouse, House, Server
from benchmarks.slots import slots_cost

SIGNED_IN_MAX = 8_000
FRESH_SHARE = 0.9  # of the people may be erased where everybody is back for the next measurement
LASTING_SHARE = 0.3  # and where nobody comes back, in all measurements together
FLOOD_S = 5.0
SLOTS_USERS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    sizes: Sequence[int]
    callers: Sequence[int]
    seconds: float  # at most, for one measurement
    scenarios: frozenset[str]
    with_flood: bool
    with_backups: bool = False
    with_slots: bool = False  # at the largest size up to SLOTS_USERS_MAX, or at the smallest


def tour(servers: Sequence[Server], plan: Plan, tell: Callable[[str], None]) -> Iterator[Finding]:
    """Every measurement of the plan; a server that fails is told of and left, and the others go on."""
    for server in servers:
        for users in plan.sizes:
            if users > server.users_max:
                tell(f"{server.name} is not filled with {users:,} users: it would take too long")
                continue
            try:
                yield from _at_size(server, users, plan)
            except (RuntimeError, OSError) as failure:
                tell(f"{server.name} with {users:,} users is left unfinished: {failure}")


def _at_size(server: Server, users: int, plan: Plan) -> Iterator[Finding]:
    share = FRESH_SHARE if server.is_fresh else LASTING_SHARE
    with server.inhabited(users, max(int(min(users * share, SIGNED_IN_MAX)), 1)) as house:
        if isinstance(house, CenoteHouse):
            yield house.filling
        yield from _calls(server, house, users, plan)
        if isinstance(house, CenoteHouse):
            if plan.with_slots and users == slots_users(plan.sizes):
                yield slots_cost(server.name, house)
            if plan.with_backups:
                yield from backups(server.name, house)


def slots_users(sizes: Sequence[int]) -> int:
    """The size at which slots are weighed: they cost the same at any, and it should not take long."""
    return max((users for users in sizes if users <= SLOTS_USERS_MAX), default=min(sizes))


def _calls(server: Server, house: House, users: int, plan: Plan) -> Iterator[Measurement]:
    capacity = None
    asked: dict[int, Measurement] = {}
    for scenario in SCENARIOS:
        if scenario.name not in server.scenarios & plan.scenarios:
            continue
        for callers in plan.callers:
            row = _once(server, house, scenario, callers, plan)
            if scenario is SIGN_IN:
                capacity = row.rate
            if scenario is SRP:
                asked[callers] = row
            yield row
            if scenario is PROOF and callers in asked:
                yield both_legs(asked[callers], row)
    if plan.with_flood and server.is_fresh and users == min(plan.sizes) and capacity is not None:
        with house.running() as running:
            yield beside_a_flood(server.name, running, capacity, seconds=FLOOD_S)


def _once(server: Server, house: House, scenario: Scenario, callers: int, plan: Plan) -> Measurement:
    with house.running() as running:
        most = CALLS_MAX
        if scenario is DELETE_USER:  # a tenth is for the warm-up
            rounds = 1 if server.is_fresh else len(plan.callers)
            most = len(running.people.access_tokens) // rounds * 9 // 10
        return measure(server.name, running, scenario, callers, seconds=plan.seconds, calls_max=most)
