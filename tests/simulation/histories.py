"""
Histories: what comes of a plan.

A history is run on a copy of one template in memory, crashes and restarts included, and judged at its end.
Leaves out what a seed decides (`plans.py`) and what must be true (`verdict.py`).
"""

import random
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cenote.courier import Habits
from tests.simulation.baton import Baton, Stuck
from tests.simulation.plans import Disaster, Move, Plan
from tests.simulation.stepping import (
    NOW_MS,
    Conditions,
    Relay,
    SimulatedClock,
    SteppedCourier,
    SteppedHouse,
    open_house,
)
from tests.simulation.template import copy_house, own_copy, quick_keys, settings_in
from tests.simulation.verdict import verdict
from tests.simulation.world import MESSAGES_MAX, Knowledge, World, data_copied

SIGN_UPS_MAX = 4  # so often somebody tries a name that is taken
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ROUNDS_AT_REST = 3
STARTS_AGAIN = 0.2  # how likely the house is judged after one more start too


@dataclass(frozen=True)
class History:
    """What came of a plan."""

    plan: Plan
    faults: tuple[str, ...]
    journal: tuple[str, ...]

    def told(self) -> str:
        """Everything that somebody needs who looks for the cause."""
        return "\n".join([self.plan.told(), "", *self.journal, "", *self.faults])


def run(plan: Plan) -> History:
    """Run a plan from its beginning to its end."""
    with own_copy() as (place, knows), quick_keys(random.Random(plan.seed)):
        return _Telling(plan, place, knows).told()


class _Telling:
    """One history under way."""

    def __init__(self, plan: Plan, place: Path, knows: Knowledge) -> None:
        self._plan = plan
        self._place = place
        self._chance = random.Random(f"{plan.seed}/{plan.schedule}")
        self._clock = SimulatedClock(NOW_MS + MINUTE_MS)
        mirror = place / "mirror" if plan.has_mirror else None
        self._settings = replace(settings_in(place), keys_mirror=mirror)
        self._knows = knows
        self._journal: list[str] = []
        self._left = [list(moves) for moves in plan.scripts]
        self._house: SteppedHouse | None = None
        self._world: World | None = None
        self._copied: set[str] | None = None  # who was there when the copy was taken
        self._lost: set[str] = set()  # who came after it, and is not known to the data any more

    def told(self) -> History:
        faults: list[str] = []
        try:
            for disaster in self._plan.disasters:
                self._live(disaster)
            self._live(None)
            faults += self._at_rest()
        except Stuck as stuck:
            faults.append(str(stuck))
        finally:
            if self._house is not None:
                self._house.drop()
        return History(self._plan, tuple(faults), tuple(self._journal))

    @property
    def world(self) -> World:
        assert self._world is not None
        return self._world

    def _live(self, disaster: Disaster | None) -> None:
        """Start, and go on until the disaster or to everybody's end; a disaster comes in any case."""
        baton = Baton(self._chance, stays=self._plan.stays)
        baton.journal = self._journal

        def is_over(turns: int) -> bool:
            return disaster is not None and turns >= disaster.after_turns

        baton.add("start", lambda: self._start(baton))
        if baton.run(is_over):
            self._take_part(baton)
            baton.run(is_over)
        baton.end()
        failures = baton.failures()
        if failures:
            raise Stuck("; ".join(failures))
        if disaster is not None:
            self._journal.append(f"     the process ends, and the next start finds {disaster.finds}")
            self._end(disaster)

    def _start(self, baton: Baton) -> None:
        under = Conditions(baton, self._chance, self._clock, self._plan.is_loose, self._plan.is_deaf)
        self._house = open_house(self._settings, under)
        if self._world is None:
            self._world = World(self._house, baton, self._knows)
        else:
            self._world.house, self._world.baton = self._house, baton
            self._world.forget_who_is_back()

    def _take_part(self, baton: Baton) -> None:
        house = self.world.house
        for number, moves in enumerate(self._left):
            baton.add(f"person {number}", partial(self._play, moves))
        baton.add("housekeeper", partial(self._keep_house, baton, self._chance.randint(0, 2)))
        if self._copied is None and any(one.finds != "all" for one in self._plan.disasters):
            baton.add("copier", partial(self._copy, baton, self._chance.randint(0, 12)))
        if self._plan.carried:
            baton.add("courier", partial(self._carry, baton))
        if self._plan.jump_hours:
            baton.add("clock", partial(self._jump, baton, self._chance.randint(0, 12)))
        baton.add("committer", house.committer.step, is_background=True)
        baton.add("tombstones", house.tombstones.step, is_background=True)

    def _play(self, moves: list[Move]) -> None:
        """Make the moves that are left; one that is cut off is not made again."""
        refused = 0
        while moves:
            move = moves.pop(0)
            event = self.world.move(move.operation, move.username, move.mark)
            if event.error == "UsernameExistsException" and refused < SIGN_UPS_MAX:
                refused += 1
                moves.insert(0, replace(move, mark=f"{move.mark.partition('r')[0]}r{refused}"))

    def _keep_house(self, baton: Baton, rounds: int) -> None:
        for _round in range(rounds):
            baton.seam("its rest")
            self.world.house.housekeeper.do_a_round(fresh_ms=self._chance.choice([0, 2_000]))

    def _carry(self, baton: Baton) -> None:
        """Carry messages; one of somebody who is gone by the time it is taken up must not arrive."""
        world, relay = self.world, Relay(baton, self._chance)
        store = world.house.seamed
        habits = Habits(keeps_sent=True, is_alone=True, reach=baton.seam)
        courier = SteppedCourier(store, relay, self._clock.now_ms, habits)
        for _message in range(self._plan.carried):
            due = store.read(lambda tx: tx.outbox.list_due(relay.media, self._clock.now_ms(), MESSAGES_MAX))
            gone, count = {*world.gone}, len(relay.taken)
            if due:
                courier.carry(self._chance.choice(due))
            world.faults += [
                f"a message was sent to {message.sub}, who was gone"
                for message in relay.taken[count:]
                if message.sub in gone
            ]

    def _copy(self, baton: Baton, pauses: int) -> None:
        for _pause in range(pauses):
            baton.seam("its time")
        self._copied = {row[0] for row in self.world.house.peek("select sub from users")}
        data_copied(self.world.house, self._place / "older data")
        copy_house(self._settings.keys, self._place / "older keys")
        baton.say("takes a copy")

    def _jump(self, baton: Baton, pauses: int) -> None:
        for _pause in range(pauses):
            baton.seam("its jump")
        self._clock.at_ms += self._plan.jump_hours * HOUR_MS
        baton.say(f"jumps by {self._plan.jump_hours} hours")

    def _end(self, disaster: Disaster) -> None:
        """Let go of the files, and put a copy in their place if that is the disaster and there is one."""
        if self._house is not None:
            self._house.drop()
            self._house = None
        if self._copied is None or disaster.finds == "all":
            return
        folder = self._settings.data if disaster.finds == "older data" else self._settings.keys
        shutil.rmtree(folder)
        copy_house(self._place / disaster.finds, folder)
        if disaster.finds == "older data":
            self._lost |= self._knows.births.keys() - self._copied

    def _at_rest(self) -> list[str]:
        """The faults that are left when everybody has come to an end and the housekeeper has been round."""
        faults = self._judged()
        if not faults and self._chance.random() < STARTS_AGAIN:
            self.world.house.drop()
            self._house = None
            baton = Baton(self._chance)
            self._house = open_house(self._settings, Conditions(baton, self._chance, self._clock))
            self.world.house = self._house
            faults = [f"after one more start: {fault}" for fault in self._judged()]
        return faults

    def _judged(self) -> list[str]:
        has_older_data = any(one.finds == "older data" for one in self._plan.disasters)
        for _round in range(ROUNDS_AT_REST):
            self.world.house.housekeeper.do_a_round(fresh_ms=0)
        return verdict(
            self.world,
            births_lost=self._lost,
            had_disaster=bool(self._plan.disasters),
            knows_every_grave=not has_older_data,
        )
