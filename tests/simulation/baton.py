"""
Many actors, one at a time: a seed decides who runs between two seams.

Each actor has a thread of its own and runs only while it holds the baton, which it hands back at every seam.
So a history is a sequence of decisions, and the same seed makes the same ones.
"""

import random
import threading
from collections.abc import Callable
from types import TracebackType


class Ended(BaseException):
    """The process was ended while this actor stood at a seam: nothing that it would have done happens."""


class Stuck(Exception):
    """Nobody can go on, and somebody has not come to an end."""


class Actor:
    """Somebody with work to do; the ones in the background are done when they have nothing left."""

    def __init__(self, name: str, work: Callable[[], object], *, is_background: bool) -> None:
        self.name = name
        self.is_background = is_background
        self.condition: Callable[[], bool] | None = None
        self.is_finished = False
        self.failure: Exception | None = None
        self.turn = threading.Lock()
        self.turn.acquire()
        self._work = work

    def is_ready(self) -> bool:
        return not self.is_finished and (self.condition is None or self.condition())

    def run(self) -> None:
        """Do the work, and remember how it ended."""
        self.turn.acquire()
        try:
            self._work()
        except Ended:
            pass
        except Exception as failure:  # noqa: BLE001 - told to the test, whatever it was
            self.failure = failure
        self.is_finished = True


class Baton:
    """What is handed from actor to actor."""

    def __init__(self, chance: random.Random, *, stays: float = 0.0) -> None:
        """`stays` is how likely whoever comes to a seam goes on at once."""
        self._chance = chance
        self._stays = stays
        self._actors: list[Actor] = []
        self._acting: dict[int, Actor] = {}
        self._came_back = threading.Lock()
        self._came_back.acquire()
        self._is_ended = False
        self.turns = 0
        self.journal: list[str] = []

    def add(self, name: str, work: Callable[[], object], *, is_background: bool = False) -> None:
        """Have somebody take part."""
        self._actors.append(Actor(name, work, is_background=is_background))

    @property
    def is_acting(self) -> bool:
        """Whether it is an actor who asks."""
        return threading.get_ident() in self._acting

    def say(self, text: str) -> None:
        """Note what the present actor does, for whoever reads the history."""
        actor = self._acting.get(threading.get_ident())
        if actor is not None:
            self.journal.append(f"{self.turns:4} {actor.name}: {text}")

    def seam(self, name: str) -> None:
        """Let others go first, for as long as the seed wants; whoever is no actor passes by."""
        self.until(None, name)

    def until(self, condition: Callable[[], bool] | None, name: str) -> None:
        """Let others go first, at least until the condition holds."""
        actor = self._acting.get(threading.get_ident())
        if actor is None:
            return
        if self._is_ended:
            raise Ended
        actor.condition = condition
        if actor.is_ready() and self._chance.random() < self._stays:
            actor.condition = None
            return
        self.journal.append(f"{self.turns:4} {actor.name} waits at {name}")
        self._came_back.release()
        actor.turn.acquire()
        if self._is_ended:
            raise Ended
        actor.condition = None

    def run(self, is_over: Callable[[int], bool] = lambda _turns: False) -> bool:
        """Run everybody to their end; False when it was over before, and everybody ended where they stood."""
        while ready := [actor for actor in self._actors if actor.is_ready()]:
            if is_over(self.turns):
                self.end()
                return False
            self.turns += 1
            self._give(self._chance.choice(ready))
        left = [actor.name for actor in self._actors if not (actor.is_finished or actor.is_background)]
        if left:
            self.end()
            raise Stuck(f"{', '.join(left)} can't go on")
        return True

    def end(self) -> None:
        """End whoever is still at it, where they stand."""
        self._is_ended = True
        for actor in self._acting.values():
            if not actor.is_finished:
                actor.turn.release()
                self._came_back.acquire()

    def failures(self) -> list[str]:
        """What no actor may come to."""
        return [f"{actor.name}: {actor.failure!r}" for actor in self._actors if actor.failure is not None]

    def _give(self, actor: Actor) -> None:
        if actor not in self._acting.values():
            thread = threading.Thread(target=self._play, args=(actor,), name=actor.name, daemon=True)
            thread.start()
            self._acting[thread.ident or 0] = actor
        actor.turn.release()
        self._came_back.acquire()

    def _play(self, actor: Actor) -> None:
        actor.run()
        self._came_back.release()


class BatonLock:
    """A lock among actors: whoever must wait for it hands the baton on."""

    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self._is_held = False

    def __enter__(self) -> None:
        while self._is_held:
            self._baton.until(lambda: not self._is_held, "a lock")
        self._is_held = True

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_held = False
