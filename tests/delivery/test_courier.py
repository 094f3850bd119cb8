"""What becomes of a promised message, on every engine, with a sender and a clock in the test's hand."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cenote import courier
from cenote.courier import ATTEMPTS_MAX, CLAIM_MS, PAUSE_MS_FIRST, Courier, Habits
from cenote.delivery.sending import NotTakenError
from cenote.domain.registrations import Message
from tests.engines import NOW_MS, WAIT_S_MAX, Engine, Newcomer, open_postgres, open_sqlite
from tests.lines import caught_lines

ADDRESS, CODE = "ann@example.com", "123456"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ENGINES: dict[str, Callable[[Path], Engine]] = {"sqlite": open_sqlite, "postgres": open_postgres}


class Recorder:
    """A sender that takes what it is told to take, and remembers what it was given."""

    media = frozenset({"EMAIL"})

    def __init__(self) -> None:
        self.given: list[Message] = []
        self.answers: list[Exception] = []
        self.always: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send(self, message: Message) -> None:
        self.given.append(message)
        assert self.may_answer.wait(WAIT_S_MAX)
        if self.answers:
            raise self.answers.pop(0)
        if self.always is not None:
            raise self.always


class Office:
    """An engine with a clock of its own and any number of couriers."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.store, self.sender = engine, engine.store, Recorder()
        self.now_ms = NOW_MS
        self.couriers: list[Courier] = []

    def open(self, *, keeps_sent: bool = False, is_alone: bool = False) -> Courier:
        habits = Habits(keeps_sent=keeps_sent, is_alone=is_alone)
        opened = Courier(self.store, self.sender, lambda: self.now_ms, habits)
        self.couriers.append(opened)
        return opened

    def close(self) -> None:
        self.sender.may_answer.set()
        for one in self.couriers:
            one.close()

    def promise(
        self,
        newcomer: Newcomer,
        message_id: str = "first",
        medium: str = "EMAIL",
        lives_ms: int = HOUR_MS,
    ) -> None:
        message = Message(
            message_id=message_id,
            sub=newcomer.sub,
            pool_id=newcomer.user.pool_id,
            medium=medium,
            to=ADDRESS,
            subject="Your code",
            body=CODE,
            code=CODE,
            created_ms=self.now_ms,
            expires_ms=self.now_ms + lives_ms,
        )
        self.store.write(lambda tx: tx.outbox.add(message))

    def waiting(self) -> int:
        return self.store.read(lambda tx: tx.outbox.count_waiting())

    def is_kept(self, message_id: str = "first") -> bool:
        return self.store.read(lambda tx: tx.outbox.find(message_id)) is not None

    def until(self, claim: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S_MAX
        while not claim():
            assert time.monotonic() < end, (self.waiting(), self.sender.given)
            time.sleep(0.01)

    def until_given(self, count: int) -> None:
        self.until(lambda: len(self.sender.given) == count)

    def settle(self) -> None:
        """Long enough for a courier to look twice."""
        time.sleep(3 * courier.POLL_S)


@pytest.fixture(params=ENGINES)
def office(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """An office on each engine in turn, whose couriers look often."""
    monkeypatch.setattr(courier, "POLL_S", 0.02)
    engine = ENGINES[request.param](tmp_path)
    opened = Office(engine)
    yield opened
    opened.close()
    engine.close()


@pytest.fixture
def ann(office: Office) -> Newcomer:
    return office.engine.add_user()


def test_a_message_is_sent_once_and_forgotten(office: Office, ann: Newcomer) -> None:
    office.open()
    office.promise(ann)
    office.until(lambda: office.waiting() == 0)
    office.settle()
    assert [(one.to, one.body) for one in office.sender.given] == [(ADDRESS, CODE)]
    assert not office.is_kept()


def test_where_an_inbox_shows_them_sent_messages_are_kept(office: Office, ann: Newcomer) -> None:
    office.open(keeps_sent=True)
    office.promise(ann)
    office.until(lambda: office.waiting() == 0)
    assert office.is_kept()


def test_of_several_couriers_one_sends_each_message(office: Office, ann: Newcomer) -> None:
    names = [f"message {number}" for number in range(40)]
    for name in names:
        office.promise(ann, name)
    for _node in range(4):
        office.open()
    office.until(lambda: office.waiting() == 0)
    assert sorted(one.message_id for one in office.sender.given) == sorted(names)


def test_what_the_sender_does_not_carry_waits(office: Office, ann: Newcomer) -> None:
    office.open()
    office.promise(ann, "text", "SMS")
    office.promise(ann)
    office.until(lambda: office.waiting() == 1)
    office.settle()
    assert [one.message_id for one in office.sender.given] == ["first"]


def test_a_message_that_is_not_taken_is_tried_again_later_and_later(office: Office, ann: Newcomer) -> None:
    office.sender.always = NotTakenError("busy")
    office.open()
    office.promise(ann)
    for attempt in range(1, 4):
        office.until_given(attempt)
        office.settle()
        pause_ms = PAUSE_MS_FIRST * 2 ** (attempt - 1)
        office.now_ms += pause_ms - 1
        office.settle()
        assert len(office.sender.given) == attempt
        office.now_ms += 1
    office.until_given(4)


def test_a_message_that_is_never_taken_is_given_up_with_an_alarm_that_tells_nobody_s_secrets(
    office: Office, ann: Newcomer
) -> None:
    office.sender.always = NotTakenError("busy")
    with caught_lines() as log:
        sent = office.open()
        office.promise(ann, lives_ms=DAY_MS)
        for attempt in range(1, ATTEMPTS_MAX + 1):
            office.until_given(attempt)
            office.until(lambda: len(log) == len(office.sender.given))
            office.now_ms += courier.PAUSE_MS_MAX
        office.until(lambda: sent.given_up_total == 1)
    office.settle()
    assert [line["event"] for line in log] == ["message delayed"] * (ATTEMPTS_MAX - 1) + ["message given up"]
    assert log[-1]["log_level"] == "error"
    assert office.waiting() == 0
    assert ADDRESS not in str(log)
    assert CODE not in str(log)


def test_a_refusal_for_good_is_believed_at_once(office: Office, ann: Newcomer) -> None:
    office.sender.answers = [NotTakenError("no such mailbox", is_final=True)]
    sent = office.open()
    office.promise(ann)
    office.until(lambda: sent.given_up_total == 1)
    office.now_ms += HOUR_MS // 2
    office.settle()
    assert len(office.sender.given) == 1


def test_a_sender_that_breaks_is_a_sender_that_has_not_taken_it(office: Office, ann: Newcomer) -> None:
    office.sender.answers = [ZeroDivisionError(ADDRESS)]
    with caught_lines() as log:
        office.open()
        office.promise(ann)
        office.until_given(1)
        office.until(lambda: any(line["event"] == "message delayed" for line in log))
    office.now_ms += PAUSE_MS_FIRST
    office.until(lambda: office.waiting() == 0)
    assert len(office.sender.given) == 2
    assert ADDRESS not in str(log)


def test_a_message_whose_code_has_run_out_is_not_sent_any_more(office: Office, ann: Newcomer) -> None:
    office.promise(ann)
    office.now_ms += HOUR_MS
    sent = office.open()
    office.until(lambda: sent.given_up_total == 1)
    assert office.sender.given == []


def test_the_messages_of_the_erased_are_never_sent(office: Office, ann: Newcomer) -> None:
    office.sender.answers = [NotTakenError("busy")]
    office.open()
    office.promise(ann)
    office.until_given(1)
    office.store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    office.now_ms += HOUR_MS // 2
    office.settle()
    assert len(office.sender.given) == 1
    assert office.waiting() == 0


def test_no_transaction_is_open_while_a_message_is_being_sent(office: Office, ann: Newcomer) -> None:
    office.sender.may_answer.clear()
    office.open()
    office.promise(ann)
    office.until_given(1)
    bob = office.engine.add_user(b"bob")
    office.store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert bob.is_held()
    office.sender.may_answer.set()
    office.settle()
    assert office.waiting() == 0


def test_a_claim_of_who_died_runs_out_and_is_void_at_once_for_who_is_alone(
    office: Office, ann: Newcomer
) -> None:
    office.promise(ann)
    office.promise(ann, "second")
    office.store.write(lambda tx: tx.outbox.claim("first", NOW_MS, NOW_MS + CLAIM_MS))
    office.store.write(lambda tx: tx.outbox.claim("second", NOW_MS, NOW_MS + CLAIM_MS))
    office.open()
    office.settle()
    assert office.sender.given == []
    office.now_ms += CLAIM_MS
    office.until(lambda: office.waiting() == 0)
    assert len(office.sender.given) == 2
    office.promise(ann, "third")
    office.close()
    office.couriers.clear()
    office.store.write(lambda tx: tx.outbox.claim("third", office.now_ms, office.now_ms + CLAIM_MS))
    office.open(is_alone=True)
    office.until(lambda: office.waiting() == 0)


def test_a_courier_that_is_closed_sends_nothing_more(office: Office, ann: Newcomer) -> None:
    office.open().close()
    office.promise(ann)
    office.settle()
    assert office.sender.given == []
    assert office.waiting() == 1
