"""What every engine promises, asked with real threads: a verb's promise holds whoever else is at it."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from cenote.domain.codes import Code, Purpose
from cenote.domain.registrations import Message
from cenote.domain.sealed import Grave, digest_of
from cenote.domain.users import Status
from cenote.errors import ResourceNotFoundException, UsernameExistsException, UserNotFoundException
from tests.engines import NOW_MS, WAIT_S_MAX, at_once, kinds, new_client, new_pool

MANY = 24
SUB_OF_NOBODY = "00000000-0000-4000-8000-000000000000"


class Refused(Exception):
    """What a body raises to be rolled back."""


def message_to(newcomer, *, message_id="first", created_ms=NOW_MS):
    return Message(
        message_id=message_id,
        sub=newcomer.sub,
        pool_id=newcomer.user.pool_id,
        medium="EMAIL",
        to="ann@example.com",
        subject="Your verification code",
        body="123456",
        code="123456",
        created_ms=created_ms,
    )


def code_for(newcomer, digest=b"digest", purpose=Purpose.SIGN_UP, expires_ms=NOW_MS + 1000):
    return Code(newcomer.sub, purpose, digest, "email", expires_ms)


def raised_by(engine, newcomer):
    """One more change of a user, read in order to write."""

    def body(tx):
        user = tx.users.hold_named(engine.pool, b"ann")
        count = int(user.attributes.get("count", "0")) + 1
        tx.users.save(replace(user, attributes={"count": str(count)}))

    return lambda: engine.store.write(body)


def found(store, session):
    """A session as it is now, if it is alive."""
    return store.read(lambda tx: tx.callers.find_renewing(session.sub, session.session_id))[1]


def paged(store, list_page):
    """Everything, page by page; each page is asked for by the last of what came before."""
    seen: list[Any] = []
    while page := store.read(lambda tx, last=seen[-1] if seen else None: list_page(tx, last)):
        seen += page
    return seen


# Reading and writing


def test_no_change_is_lost_between_writers_who_hold_what_they_change(engine):
    ann = engine.add_user()
    outcomes = at_once(*[raised_by(engine, ann)] * MANY)
    assert kinds(outcomes) == {"NoneType": MANY}
    assert engine.store.read(lambda tx: tx.users.find(ann.sub)).attributes == {"count": str(MANY)}


def test_a_user_saved_as_they_were_at_an_earlier_look_is_refused(engine, store):
    ann = engine.add_user()
    seen = store.read(lambda tx: tx.users.find(ann.sub))
    raised_by(engine, ann)()
    with pytest.raises(UserNotFoundException):
        store.write(lambda tx: tx.users.save(replace(seen, attributes={"count": "stale"})))
    assert store.read(lambda tx: tx.users.find(ann.sub)).attributes == {"count": "1"}


def test_a_body_that_raises_leaves_nothing_behind(engine, store):
    ann = engine.new_user()

    def body(tx):
        tx.users.add(ann.user, ann.key, ann.wrapped, [b"ann"])
        tx.codes.put(code_for(ann), now_ms=NOW_MS)
        tx.outbox.add(message_to(ann))
        raise Refused

    with pytest.raises(Refused):
        store.write(body)
    assert not ann.is_held()
    assert store.read(lambda tx: tx.users.list_slots("", MANY)) == []
    assert store.read(lambda tx: tx.codes.find(ann.sub, Purpose.SIGN_UP)) is None
    assert store.read(lambda tx: tx.outbox.list_newest(MANY)) == []
    ann.add()


def test_an_erasure_in_a_body_that_raises_has_not_happened(engine, store):
    ann = engine.add_user()

    def body(tx):
        tx.users.erase(ann.sub, NOW_MS)
        raise Refused

    with pytest.raises(Refused):
        store.write(body)
    store.write(lambda tx: tx.meta.put("anything", b"that hands over its graves"))
    assert ann.is_held()
    assert store.read(lambda tx: tx.ledger.find(digest_of(ann.sub))) is None


def test_a_document_that_was_rolled_back_is_shown_to_nobody(engine, store):
    former, latter = (
        new_pool(engine.vault, "us-east-1_twice", PoolName=name) for name in ("former", "latter")
    )

    def body(tx):
        tx.pools.add(former, "former", [])
        assert tx.pools.find(former.pool_id).document == {"PoolName": "former"}
        raise Refused

    with pytest.raises(Refused):
        store.write(body)
    store.write(lambda tx: tx.pools.add(latter, "latter", []))
    assert store.read(lambda tx: tx.pools.find(latter.pool_id)).document == {"PoolName": "latter"}


def test_a_reader_sees_nothing_before_it_is_committed(engine, store):
    ann, is_written, may_commit = engine.new_user(), threading.Event(), threading.Event()

    def body(tx):
        tx.users.add(ann.user, ann.key, ann.wrapped, [b"ann"])
        is_written.set()
        may_commit.wait(WAIT_S_MAX)

    writer = threading.Thread(target=store.write, args=(body,))
    writer.start()
    assert is_written.wait(WAIT_S_MAX)
    was_seen = ann.is_held()
    may_commit.set()
    writer.join()
    assert (was_seen, ann.is_held()) == (False, True)


def test_whoever_was_answered_finds_what_they_wrote(engine):
    def sign_up_and_look(number):
        return lambda: engine.add_user(b"name %d" % number).is_held()

    assert at_once(*[sign_up_and_look(number) for number in range(MANY)]) == [True] * MANY


# Names


def test_of_many_who_want_one_name_one_gets_it_and_of_the_others_nothing_is_held(engine, store):
    everybody = [engine.new_user() for _one in range(MANY)]
    outcomes = at_once(*[one.add for one in everybody])
    assert kinds(outcomes) == {"NoneType": 1, "UsernameExistsException": MANY - 1}
    winner = everybody[outcomes.index(None)]
    assert store.read(lambda tx: tx.users.list_slots("", MANY)) == [(winner.sub, winner.wrapped.slot)]
    assert store.read(lambda tx: tx.users.list_subs(engine.pool.pool_id, MANY)) == [winner.sub]


def test_a_user_gets_all_of_their_names_or_none(engine, store, pool):
    engine.add_user(b"ann@example.com")
    with pytest.raises(UsernameExistsException):
        engine.add_user(b"ann", b"ann@example.com")
    assert store.read(lambda tx: tx.users.find_named(pool, b"ann")) is None


def test_a_name_is_free_in_every_other_pool(engine, store):
    ann, other = engine.add_user(), engine.add_pool()
    namesake = engine.new_user(other)
    namesake.add(b"ann")
    assert store.read(lambda tx: tx.users.find_named(other, b"ann")).sub == namesake.sub
    assert store.read(lambda tx: tx.users.find_named(engine.pool, b"ann")).sub == ann.sub


def test_a_name_that_was_given_up_is_free_and_nobody_gives_up_anothers(engine, store, pool):
    ann = engine.add_user(b"ann", b"alias")
    store.write(lambda tx: tx.users.give_up_name(pool.pool_id, b"alias", SUB_OF_NOBODY))
    assert store.read(lambda tx: tx.users.find_named(pool, b"alias")).sub == ann.sub
    store.write(lambda tx: tx.users.give_up_name(pool.pool_id, b"alias", ann.sub))
    bob = engine.add_user(b"alias")
    assert store.read(lambda tx: tx.users.find_named(pool, b"alias")).sub == bob.sub
    assert store.read(lambda tx: tx.users.find_named(pool, b"ann")).sub == ann.sub


# Once


def test_of_many_who_know_a_code_one_takes_it(engine, store):
    ann = engine.add_user()
    store.write(lambda tx: tx.codes.put(code_for(ann), now_ms=NOW_MS))
    take = lambda: store.write(lambda tx: tx.codes.take(ann.sub, Purpose.SIGN_UP, b"digest"))  # noqa: E731
    outcomes = at_once(*[take] * MANY)
    assert kinds(outcomes) == {"Code": 1, "NoneType": MANY - 1}
    assert code_for(ann) in outcomes


def test_a_wrong_guess_takes_nothing(engine, store):
    ann = engine.add_user()
    store.write(lambda tx: tx.codes.put(code_for(ann), now_ms=NOW_MS))
    assert store.write(lambda tx: tx.codes.take(ann.sub, Purpose.SIGN_UP, b"another")) is None
    assert store.write(lambda tx: tx.codes.take(ann.sub, Purpose.FORGOT_PASSWORD, b"digest")) is None
    assert store.write(lambda tx: tx.codes.take(ann.sub, Purpose.SIGN_UP, b"digest")) == code_for(ann)


def test_a_look_at_a_code_uses_nothing_up(engine, store):
    ann = engine.add_user()
    store.write(lambda tx: tx.codes.put(code_for(ann), now_ms=NOW_MS))
    seen = [store.read(lambda tx: tx.codes.find(ann.sub, Purpose.SIGN_UP)) for _look in range(2)]
    assert seen == [code_for(ann)] * 2
    assert store.read(lambda tx: tx.codes.find(ann.sub, Purpose.FORGOT_PASSWORD)) is None


def test_a_new_code_makes_the_old_one_worthless(engine, store):
    ann = engine.add_user()
    store.write(lambda tx: tx.codes.put(code_for(ann, b"old"), now_ms=NOW_MS))
    store.write(lambda tx: tx.codes.put(code_for(ann, b"new"), now_ms=NOW_MS))
    assert store.write(lambda tx: tx.codes.take(ann.sub, Purpose.SIGN_UP, b"old")) is None
    assert store.write(lambda tx: tx.codes.take(ann.sub, Purpose.SIGN_UP, b"new")) is not None


def test_of_many_who_set_a_value_first_one_does_and_all_are_told_it(store):
    def add(value):
        return lambda: store.write(lambda tx: tx.meta.add("public_url", value))

    told = at_once(*[add(b"%d" % number) for number in range(MANY)])
    assert set(told) == {store.read(lambda tx: tx.meta.find("public_url"))}


# Sessions


def test_a_session_begins_for_a_living_user_only(engine, store):
    ann, bob, cid = engine.add_user(b"ann"), engine.add_user(b"bob", enabled=False), engine.add_user(b"cid")
    store.write(lambda tx: tx.users.erase(cid.sub, NOW_MS))
    begun = [store.write(lambda tx, one=one: tx.sessions.add(one.session())) for one in (ann, bob, cid)]
    assert begun == [True, False, False]


def test_of_many_sign_ins_with_one_id_one_begins(engine, store):
    ann = engine.add_user()
    begin = lambda: store.write(lambda tx: tx.sessions.add(ann.session("the challenge's id")))  # noqa: E731
    assert sorted(map(str, at_once(*[begin] * MANY))) == ["False"] * (MANY - 1) + ["True"]


def test_sessions_end_all_at_once_and_nobody_elses_with_them(engine, store):
    ann, bob = engine.add_user(b"ann"), engine.add_user(b"bob")
    theirs, others = [ann.session(), ann.session()], bob.session()
    for session in (*theirs, others):
        store.write(lambda tx, session=session: tx.sessions.add(session))
    store.write(lambda tx: tx.codes.put(code_for(ann), now_ms=NOW_MS))
    store.write(lambda tx: tx.sessions.drop_all(ann.sub))
    assert [found(store, session) for session in theirs] == [None, None]
    assert found(store, others) == others
    assert store.write(lambda tx: tx.codes.take(ann.sub, Purpose.SIGN_UP, b"digest")) is not None


def test_what_is_past_its_time_is_cleared_some_at_once_and_nothing_else(engine, store):
    ann = engine.add_user()
    past, present = [ann.session(expires_ms=NOW_MS) for _one in range(3)], ann.session(expires_ms=NOW_MS + 1)
    for session in (*past, present):
        store.write(lambda tx, session=session: tx.sessions.add(session))
    cleared = [store.write(lambda tx: tx.sessions.drop_expired(NOW_MS, 2)) for _round in range(3)]
    assert cleared == [2, 1, 0]
    assert found(store, present) == present


# Erasing a user


def test_of_many_who_erase_one_user_one_succeeds(engine, store):
    ann = engine.add_user()
    erase = lambda: store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))  # noqa: E731
    outcomes = at_once(*[erase] * MANY)
    assert kinds(outcomes) == {"NoneType": 1, "UserNotFoundException": MANY - 1}


def test_an_erasure_returns_with_the_tombstone_written_and_every_row_gone(engine, store, pool):
    ann = engine.add_user(b"ann", b"alias")
    session = ann.session()
    store.write(lambda tx: tx.sessions.add(session))
    store.write(lambda tx: tx.codes.put(code_for(ann), now_ms=NOW_MS))
    store.write(lambda tx: tx.outbox.add(message_to(ann)))
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert ann.slot_now() == b"CENOTE-X" + digest_of(ann.sub) + bytes(24)
    assert not ann.is_held()
    assert store.read(lambda tx: tx.users.find_named(pool, b"alias")) is None
    assert not store.read(lambda tx: tx.sessions.is_spent(ann.sub, session.session_id))
    assert store.read(lambda tx: tx.codes.find(ann.sub, Purpose.SIGN_UP)) is None
    assert store.read(lambda tx: tx.outbox.list_newest(MANY)) == []
    line = store.read(lambda tx: tx.ledger.find(digest_of(ann.sub)))
    assert (line.kind, line.slot, line.erased_ms) == ("user", ann.wrapped.slot, NOW_MS)


def test_a_user_who_is_changed_while_they_are_erased_is_erased(engine, store):
    ann = engine.add_user()
    erase = lambda: store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))  # noqa: E731

    def change():
        def body(tx):
            user = tx.users.hold_named(engine.pool, b"ann")
            if user is None:
                raise UserNotFoundException
            tx.users.save(replace(user, status=Status.RESET_REQUIRED))
            tx.outbox.add(message_to(ann))

        store.write(body)

    outcomes = at_once(*[change] * MANY, erase)
    assert outcomes[-1] is None
    assert set(kinds(outcomes)) <= {"NoneType", "UserNotFoundException"}
    assert not ann.is_held()
    assert store.read(lambda tx: tx.outbox.list_newest(MANY)) == []


def test_nothing_is_hung_on_a_user_who_was_erased(engine, store):
    ann = engine.add_user()
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    with pytest.raises(UserNotFoundException):
        store.write(lambda tx: tx.outbox.add(message_to(ann)))
    with pytest.raises(UserNotFoundException):
        store.write(lambda tx: tx.users.save(ann.user))
    assert store.write(lambda tx: tx.users.key_of(ann.sub)) is None


def test_nobody_is_erased_for_an_identity_that_nobody_has(store):
    with pytest.raises(UserNotFoundException):
        store.write(lambda tx: tx.users.erase(SUB_OF_NOBODY, NOW_MS))
    assert store.read(lambda tx: tx.ledger.count_owed()) == 0


# Rows of the erased, which an older copy of the database brought back


@pytest.fixture
def ghost(engine):
    """A user whose rows are all there and whose slot says that they are erased."""
    ann = engine.add_user()
    engine.store.write(lambda tx: tx.sessions.add(ann.session("session")))
    engine.store.write(lambda tx: tx.outbox.add(message_to(ann)))
    engine.vault.folder.bury([Grave(digest_of(ann.sub), ann.wrapped.slot)])
    return ann


def test_no_read_shows_a_user_whose_slot_is_a_tombstone(engine, store, pool, ghost):
    client = new_client(pool)
    store.write(lambda tx: tx.clients.add(client, "app"))
    assert store.read(lambda tx: tx.users.find(ghost.sub)) is None
    assert store.read(lambda tx: tx.users.find_named(pool, b"ann")) is None
    assert store.write(lambda tx: tx.users.hold_named(pool, b"ann")) is None
    assert store.read(lambda tx: tx.users.key_of(ghost.sub)) is None
    assert store.read(lambda tx: tx.outbox.list_newest(MANY)) == []
    session = ("session", "event of session")
    presence = store.read(lambda tx: tx.callers.find(pool.pool_id, client.client_id, b"ann", session))
    assert presence.pool is not None
    assert presence.client is not None
    assert presence.user is None


def test_no_write_reaches_a_user_whose_slot_is_a_tombstone(engine, store, ghost):
    for body in (
        lambda tx: tx.users.erase(ghost.sub, NOW_MS),
        lambda tx: tx.users.save(ghost.user),
        lambda tx: tx.outbox.add(message_to(ghost)),
    ):
        with pytest.raises(UserNotFoundException):
            store.write(body)


def test_the_name_of_a_user_whose_slot_is_a_tombstone_is_free_and_their_rows_go_with_it(
    engine, store, pool, ghost
):
    outcomes = at_once(*[engine.new_user().add for _one in range(MANY)])
    assert kinds(outcomes) == {"NoneType": 1, "UsernameExistsException": MANY - 1}
    namesake = store.read(lambda tx: tx.users.find_named(pool, b"ann"))
    assert store.read(lambda tx: tx.users.list_subs(pool.pool_id, MANY)) == [namesake.sub]
    assert not store.read(lambda tx: tx.sessions.is_spent(ghost.sub, "session"))
    assert store.read(lambda tx: tx.ledger.find(digest_of(ghost.sub))).slot == ghost.wrapped.slot


# Pools


def test_of_many_who_erase_one_pool_one_succeeds_by_one_tombstone(engine, store, pool):
    ann = engine.add_user()
    erase = lambda: store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))  # noqa: E731
    outcomes = at_once(*[erase] * MANY)
    assert kinds(outcomes) == {"NoneType": 1, "ResourceNotFoundException": MANY - 1}
    assert engine.vault.folder.read(pool.slot).startswith(b"CENOTE-X" + digest_of(pool.pool_id))
    assert not ann.slot_now().startswith(b"CENOTE-X")
    assert not ann.is_held()


def test_nothing_is_added_to_a_pool_that_has_gone(engine, store, pool):
    ann, client = engine.new_user(), new_client(pool)
    store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))
    with pytest.raises(ResourceNotFoundException):
        ann.add()
    with pytest.raises(ResourceNotFoundException):
        store.write(lambda tx: tx.clients.add(client, "app"))


def test_a_pool_that_falls_while_it_fills_leaves_nobody_behind(engine, store, pool):
    everybody = [engine.new_user() for _one in range(MANY)]
    arrivals = [lambda one=one: one.add(one.sub.encode()) for one in everybody]
    fall = lambda: store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))  # noqa: E731
    outcomes = at_once(*arrivals, fall)
    assert set(kinds(outcomes)) <= {"NoneType", "ResourceNotFoundException"}
    assert not any(one.is_held() for one in everybody)


def test_a_fallen_pool_is_swept_until_nothing_of_it_is_left(engine, store, pool):
    everybody = [engine.add_user(b"%d" % number) for number in range(5)]
    store.write(lambda tx: tx.pools.erase(pool.pool_id, NOW_MS))
    assert store.read(lambda tx: tx.fallen.list_page(MANY)) == [pool.pool_id]
    subs = store.read(lambda tx: tx.users.list_subs(pool.pool_id, 3))
    assert len(subs) == 3
    store.write(lambda tx: tx.users.forget(subs))
    assert set(store.read(lambda tx: tx.users.list_subs(pool.pool_id, MANY))) == {
        one.sub for one in everybody
    } - set(subs)


def test_a_pool_whose_slot_is_a_tombstone_is_shown_to_nobody(engine, store, pool):
    client = new_client(pool)
    store.write(lambda tx: tx.clients.add(client, "app"))
    engine.vault.folder.bury([Grave(digest_of(pool.pool_id), pool.slot)])
    assert store.read(lambda tx: tx.pools.find(pool.pool_id)) is None
    assert store.read(lambda tx: tx.pools.list_page("", MANY)) == []
    assert store.read(lambda tx: tx.clients.find(client.client_id)) is None


# Pages


def test_what_is_there_throughout_is_on_exactly_one_page_whatever_comes_and_goes(engine, store):
    steady = {engine.add_pool().pool_id for _one in range(9)} | {engine.pool.pool_id}
    passing, seen, after = [engine.add_pool() for _one in range(9)], [], ""
    while page := store.read(lambda tx, after=after: tx.pools.list_page(after, 3)):
        seen += [pool.pool_id for pool in page]
        after = seen[-1]
        if passing:
            gone = passing.pop().pool_id
            store.write(lambda tx, gone=gone: tx.pools.erase(gone, NOW_MS))
            engine.add_pool()
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen))
    assert steady <= set(seen)


def test_a_page_of_a_pools_clients_holds_nobody_elses(engine, store, pool):
    other = engine.add_pool()
    ours, theirs = [new_client(pool) for _one in range(5)], [new_client(other) for _one in range(5)]
    for client in (*ours, *theirs):
        store.write(lambda tx, client=client: tx.clients.add(client, "app"))
    expected = sorted(client.client_id for client in ours)
    first = store.read(lambda tx: tx.clients.list_page(pool.pool_id, "", 3))
    rest = store.read(lambda tx: tx.clients.list_page(pool.pool_id, first[-1].client_id, 3))
    assert [client.client_id for client in (*first, *rest)] == expected


def test_slots_and_ledger_are_paged_in_an_order_that_misses_nobody(engine, store):
    everybody = {one.sub: one.wrapped.slot for one in (engine.add_user(b"%d" % n) for n in range(7))}
    seen = paged(store, lambda tx, last: tx.users.list_slots(last[0] if last else "", 3))
    assert dict(seen) == everybody
    assert len(seen) == 7
    for sub in everybody:
        store.write(lambda tx, sub=sub: tx.users.erase(sub, NOW_MS))
    lines = paged(store, lambda tx, last: tx.ledger.list_page(last.digest if last else b"", 3))
    assert [line.digest for line in lines] == sorted(map(digest_of, everybody))


# The ledger and the outbox


def test_what_is_owed_is_owed_until_it_is_noted_as_done(engine, store):
    everybody = [engine.add_user(b"%d" % number) for number in range(5)]
    for one in everybody:
        store.write(lambda tx, one=one: tx.users.erase(one.sub, NOW_MS))
    assert store.read(lambda tx: tx.ledger.count_owed()) == 5
    paid = [digest_of(one.sub) for one in everybody[:3]]
    store.write(lambda tx: tx.ledger.mark_done(paid))
    owed = store.read(lambda tx: tx.ledger.list_owed(b"", MANY))
    assert {line.digest for line in owed} == {digest_of(one.sub) for one in everybody[3:]}
    assert store.read(lambda tx: tx.ledger.find(paid[0])).done


def test_what_is_owed_is_paged_so_that_nothing_stuck_hides_the_rest(engine, store):
    for number in range(7):
        one = engine.add_user(b"%d" % number)
        store.write(lambda tx, one=one: tx.users.erase(one.sub, NOW_MS))
    seen = paged(store, lambda tx, last: tx.ledger.list_owed(last.digest if last else b"", 3))
    assert len({line.digest for line in seen}) == len(seen) == 7


def test_messages_come_newest_first_and_the_old_are_cleared(engine, store):
    ann = engine.add_user()
    for number in range(4):
        promised = message_to(ann, message_id=f"{number}", created_ms=NOW_MS + number)
        store.write(lambda tx, promised=promised: tx.outbox.add(promised))
    newest = store.read(lambda tx: tx.outbox.list_newest(3))
    assert [message.message_id for message in newest] == ["3", "2", "1"]
    assert newest[0] == message_to(ann, message_id="3", created_ms=NOW_MS + 3)
    store.write(lambda tx: tx.outbox.drop_older(NOW_MS + 2))
    assert len(store.read(lambda tx: tx.outbox.list_newest(MANY))) == 2


def test_one_call_reads_everything_that_a_token_names(engine, store, pool):
    ann, client = engine.add_user(), new_client(pool)
    session = ann.session()
    store.write(lambda tx: tx.clients.add(client, "app"))
    store.write(lambda tx: tx.sessions.add(session))

    def presence(origin, event, name=b"ann"):
        return store.read(lambda tx: tx.callers.find(pool.pool_id, client.client_id, name, (origin, event)))

    assert presence(session.session_id, "any").is_session_alive
    assert presence(None, session.event_id).is_session_alive
    assert not presence("another", session.event_id).is_session_alive
    assert presence(session.session_id, "any").user.sub == ann.sub
    assert presence(session.session_id, "any", b"nobody").user is None
