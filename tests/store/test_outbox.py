"""The outbox on every engine: a message is due until it is settled, and of several one may send it."""

import pytest

from cenote.domain.registrations import Message
from cenote.domain.sealed import Grave, digest_of
from tests.engines import NOW_MS, at_once

MANY = 24
MEDIA = frozenset({"EMAIL"})
LATER_MS = NOW_MS + 1_000


@pytest.fixture
def ann(engine):
    """A user with one message, which is due."""
    newcomer = engine.add_user()
    promise(engine.store, newcomer, "first")
    return newcomer


def promise(store, newcomer, message_id, medium="EMAIL", created_ms=NOW_MS):
    message = Message(
        message_id=message_id,
        sub=newcomer.sub,
        pool_id=newcomer.user.pool_id,
        medium=medium,
        to="ann@example.com",
        subject="Your code",
        body="<b>123456</b>",
        code="123456",
        created_ms=created_ms,
        expires_ms=LATER_MS,
        is_html=True,
    )
    store.write(lambda tx: tx.outbox.add(message))
    return message


def due(store, now_ms=NOW_MS, media=MEDIA):
    return store.read(lambda tx: tx.outbox.list_due(media, now_ms, MANY))


def claim(store, message_id="first", now_ms=NOW_MS, until_ms=LATER_MS):
    return store.write(lambda tx: tx.outbox.claim(message_id, now_ms, until_ms))


def test_a_message_is_read_as_it_was_promised(engine, store):
    message = promise(store, engine.add_user(), "first")
    assert store.read(lambda tx: tx.outbox.find("first")) == message
    assert store.read(lambda tx: tx.outbox.list_newest(MANY)) == [message]


def test_of_many_who_claim_a_message_one_gets_it(store, ann):
    claims = at_once(*[lambda: claim(store)] * MANY)
    assert sum(one is not None for one in claims) == 1


def test_what_is_claimed_is_not_due_until_the_claim_has_run_out(store, ann):
    claim(store)
    assert due(store) == []
    assert claim(store) is None
    assert due(store, LATER_MS) == ["first"]
    assert claim(store, now_ms=LATER_MS, until_ms=LATER_MS + 1).attempts == 2


def test_a_claim_that_has_run_out_settles_nothing(store, ann):
    old = claim(store)
    new = claim(store, now_ms=LATER_MS, until_ms=LATER_MS + 1_000)
    for late in (
        lambda tx: tx.outbox.settle(old),
        lambda tx: tx.outbox.drop(old),
        lambda tx: tx.outbox.put_off(old, NOW_MS),
    ):
        store.write(late)
    assert due(store, LATER_MS) == []
    assert store.read(lambda tx: tx.outbox.count_waiting()) == 1
    store.write(lambda tx: tx.outbox.drop(new))
    assert store.read(lambda tx: tx.outbox.find("first")) is None


def test_what_is_settled_is_never_due_and_can_still_be_read(store, ann):
    held = claim(store)
    store.write(lambda tx: tx.outbox.settle(held))
    store.write(lambda tx: tx.outbox.void_claims(LATER_MS))
    assert due(store, LATER_MS) == []
    assert store.read(lambda tx: tx.outbox.count_waiting()) == 0
    assert store.read(lambda tx: tx.outbox.find("first")) is not None


def test_what_is_put_off_is_due_then_and_at_once_for_who_knows_to_be_alone(store, ann):
    held = claim(store)
    store.write(lambda tx: tx.outbox.put_off(held, LATER_MS + 1))
    assert (due(store, LATER_MS), due(store, LATER_MS + 1)) == ([], ["first"])
    store.write(lambda tx: tx.outbox.void_claims(NOW_MS))
    assert due(store) == ["first"]


def test_only_what_a_sender_carries_is_due_for_it_the_longest_first(engine, store, ann):
    promise(store, ann, "text", "SMS")
    promise(store, ann, "earlier", created_ms=NOW_MS - 1)
    assert due(store) == ["earlier", "first"]
    assert due(store, media=frozenset({"SMS"})) == ["text"]
    assert due(store, media=frozenset({"EMAIL", "SMS"})) == ["earlier", "first", "text"]


def test_the_messages_of_the_erased_are_neither_due_nor_read_nor_claimed(engine, store, ann):
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert due(store) == []
    assert claim(store) is None
    assert store.read(lambda tx: tx.outbox.find("first")) is None


def test_a_claimed_message_of_somebody_who_is_erased_is_not_read(engine, store, ann):
    held = claim(store)
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert store.read(lambda tx: tx.outbox.find("first")) is None
    store.write(lambda tx: tx.outbox.put_off(held, NOW_MS))
    assert due(store) == []


def test_a_message_that_a_rollback_brought_back_is_not_read(engine, store, ann):
    engine.vault.folder.bury([Grave(digest_of(ann.sub), ann.wrapped.slot)])
    assert claim(store) is not None
    assert store.read(lambda tx: tx.outbox.find("first")) is None
