"""Groups and memberships on every engine, asked with real threads: bound to ids, and gone with either end."""

import time
from functools import partial

import pytest

from cenote.domain.groups import Group
from cenote.errors import GroupExistsException, ResourceNotFoundException, UserNotFoundException
from cenote.housekeeping import _forget_members, _forget_some
from cenote.store.transaction import Transaction
from tests.engines import NOW_MS, Engine, Newcomer, at_once, kinds

ROUNDS = 12
MANY = 12


def new_group(engine: Engine, name: str = "staff", group_id: str | None = None, **changes) -> Group:
    return Group(
        group_id=group_id or f"id of {name}",
        pool_id=engine.pool.pool_id,
        name=name,
        created_ms=NOW_MS,
        modified_ms=NOW_MS,
        **changes,
    )


def add_group(engine: Engine, name: str = "staff", group_id: str | None = None, **changes) -> Group:
    group = new_group(engine, name, group_id, **changes)
    engine.store.write(lambda tx: tx.groups.add(group))
    return group


def join(engine: Engine, group: Group, newcomer: Newcomer) -> bool:
    return engine.store.write(lambda tx: tx.groups.join(group, newcomer.sub, now_ms=NOW_MS))


def groups_of(engine: Engine, newcomer: Newcomer) -> list[str]:
    return [group.name for group in engine.store.read(lambda tx: tx.groups.list_of_user(newcomer.sub))]


def members_of(engine: Engine, group: Group) -> list[str]:
    return [one.sub for one in engine.store.read(lambda tx: tx.search.list_members(group, "", 100))]


def memberships(engine: Engine) -> int:
    return counted(engine, "select count(*) from belongings where kind = 'group'")


def marks(engine: Engine) -> int:
    return counted(engine, "select count(*) from search_marks")


def counted(engine: Engine, sql: str) -> int:
    """What one statement counts, past every verb: the table as it is."""
    return int(engine.store.read(lambda tx: tx._ground.run(sql, {}).fetchone()[0]))


def erase(engine: Engine, newcomer: Newcomer) -> None:
    engine.store.write(lambda tx: tx.users.erase(newcomer.sub, NOW_MS))


def drop(engine: Engine) -> None:
    engine.store.write(lambda tx: tx.groups.drop(engine.pool.pool_id, "staff"))


def change(engine: Engine, newcomer: Newcomer) -> None:
    """Save a user who was held, with a new mark."""

    def body(tx: Transaction) -> None:
        held = tx.users.hold(newcomer.sub)
        if held is None:
            raise UserNotFoundException
        tx.users.save(held)
        tx.search.put(held.sub, [b"second"])

    engine.store.write(body)


def sweep(engine: Engine) -> None:
    """As the housekeeper does it."""
    for group_id in engine.store.read(lambda tx: tx.groups.list_fallen(100)):
        while engine.store.write(partial(_forget_members, group_id)):
            pass


def test_of_many_groups_of_one_name_one_is_made(engine):
    makings = [partial(add_group, engine, "staff", f"id {number}") for number in range(MANY)]
    assert kinds(at_once(*makings)) == {"Group": 1, "GroupExistsException": MANY - 1}
    assert engine.store.read(lambda tx: tx.groups.count(engine.pool.pool_id)) == 1


def test_a_name_is_taken_in_its_own_pool_alone_and_a_pool_that_is_gone_takes_none(engine, store):
    add_group(engine)
    with pytest.raises(GroupExistsException):
        add_group(engine, group_id="another")
    other = engine.add_pool()
    store.write(lambda tx: tx.groups.add(Group(**_of_pool(other.pool_id))))
    with pytest.raises(ResourceNotFoundException):
        store.write(lambda tx: tx.groups.add(Group(**_of_pool("us-east-1_nobodyxxx"))))


def _of_pool(pool_id):
    return {
        "group_id": f"of {pool_id}",
        "pool_id": pool_id,
        "name": "staff",
        "created_ms": NOW_MS,
        "modified_ms": NOW_MS,
    }


def test_a_group_is_what_was_saved_of_it(engine, store):
    add_group(engine, description="first", role_arn="arn", precedence=3)
    held = store.write(lambda tx: tx.groups.hold(engine.pool.pool_id, "staff"))
    changed = held.updated({"Precedence": 0, "Description": "second"}, now_ms=NOW_MS + 5)
    store.write(lambda tx: tx.groups.save(changed))
    assert store.read(lambda tx: tx.groups.find(engine.pool.pool_id, "staff")) == changed
    assert (changed.role_arn, changed.precedence, changed.description) == ("arn", 0, "second")


def test_a_user_is_in_a_group_once_and_leaves_it_once_for_all(engine, store):
    group, ann = add_group(engine), engine.add_user()
    assert at_once(*[partial(join, engine, group, ann)] * MANY) == [True] * MANY
    assert (groups_of(engine, ann), members_of(engine, group)) == (["staff"], [ann.sub])
    store.write(lambda tx: tx.groups.leave(group, ann.sub))
    store.write(lambda tx: tx.groups.leave(group, ann.sub))
    assert (groups_of(engine, ann), members_of(engine, group)) == ([], [])


def test_the_members_of_a_group_come_page_by_page_in_the_order_of_their_subs(engine, store):
    group = add_group(engine)
    everybody = [engine.add_user(b"%d" % number) for number in range(7)]
    for newcomer in everybody:
        join(engine, group, newcomer)
    seen, after = [], ""
    while page := store.read(lambda tx, after=after: tx.search.list_members(group, after, 3)):
        assert len(page) <= 3
        seen += [candidate.open().sub for candidate in page]
        after = page[-1].place
    assert seen == sorted(newcomer.sub for newcomer in everybody)


def test_an_erased_user_is_in_no_group_and_a_namesake_in_none_either(engine, store):
    group, ann = add_group(engine), engine.add_user()
    join(engine, group, ann)
    store.write(lambda tx: tx.users.erase(ann.sub, NOW_MS))
    assert (groups_of(engine, ann), members_of(engine, group), memberships(engine)) == ([], [], 0)
    namesake = engine.add_user()
    assert (groups_of(engine, namesake), members_of(engine, group)) == ([], [])


def test_a_group_that_is_gone_has_nobody_and_the_next_of_its_name_begins_empty(engine, store):
    group, ann = add_group(engine), engine.add_user()
    join(engine, group, ann)
    assert kinds(at_once(*[partial(drop, engine)] * MANY)) == {
        "NoneType": 1,
        "ResourceNotFoundException": MANY - 1,
    }
    assert groups_of(engine, ann) == []
    again = add_group(engine, group_id="the next")
    assert (groups_of(engine, ann), members_of(engine, again)) == ([], [])
    assert join(engine, group, ann) is False
    assert engine.store.read(lambda tx: tx.users.find(ann.sub)) is not None


def test_what_a_group_leaves_behind_is_swept_and_nothing_else(engine, store):
    gone, stays = add_group(engine, "gone"), add_group(engine, "stays")
    for number in range(5):
        newcomer = engine.add_user(b"%d" % number)
        join(engine, gone, newcomer)
        join(engine, stays, newcomer)
    store.write(lambda tx: tx.groups.drop(engine.pool.pool_id, "gone"))
    (fallen,) = store.read(lambda tx: tx.groups.list_fallen(10))
    assert [store.write(lambda tx: tx.groups.sweep(fallen, 2)) for _step in range(4)] == [
        True,
        True,
        True,
        False,
    ]
    assert memberships(engine) == len(members_of(engine, stays)) == 5
    assert store.read(lambda tx: tx.groups.list_fallen(10)) == []


def test_with_a_pool_go_its_groups_its_memberships_and_its_marks(engine, store):
    pool_id = engine.pool.pool_id
    ann, group = engine.add_user(), add_group(engine)
    join(engine, group, ann)
    store.write(lambda tx: tx.search.add(ann.sub, [b"mark"]))
    store.write(lambda tx: tx.pools.erase(pool_id, NOW_MS))
    while store.write(partial(_forget_some, pool_id)):
        pass
    assert (memberships(engine), marks(engine)) == (0, 0)
    assert counted(engine, "select count(*) from user_groups") == 0
    assert store.read(lambda tx: tx.fallen.list_page(10)) == []


def test_joining_beside_an_erasure_leaves_nothing_of_the_erased(engine):
    group = add_group(engine)
    for number in range(ROUNDS):
        ann = engine.add_user(b"%d" % number)
        joining = partial(join, engine, group, ann)
        outcomes = at_once(joining, partial(erase, engine, ann), joining)
        assert outcomes[1] is None
        assert memberships(engine) == 0
        assert members_of(engine, group) == []


def test_joining_beside_a_group_s_end_puts_nobody_into_the_next(engine):
    ann = engine.add_user()
    for number in range(ROUNDS):
        joining = partial(join, engine, add_group(engine, group_id=f"id {number}"), ann)
        outcomes = at_once(joining, partial(drop, engine), joining)
        assert outcomes[1] is None
        assert groups_of(engine, ann) == []
    sweep(engine)
    assert memberships(engine) == 0


def test_a_change_beside_an_erasure_leaves_no_mark_and_neither_waits_for_the_other(engine, store):
    began_s = time.monotonic()
    for number in range(ROUNDS):
        ann = engine.add_user(b"%d" % number)
        store.write(partial(_add_mark, ann.sub))
        outcomes = at_once(partial(change, engine, ann), partial(erase, engine, ann))
        assert kinds(outcomes) in ({"NoneType": 2}, {"NoneType": 1, "UserNotFoundException": 1})
        assert marks(engine) == 0
    # A deadlock is found out after a second, on PostgreSQL.
    assert time.monotonic() - began_s < ROUNDS / 2


def _add_mark(sub: str, tx: Transaction) -> None:
    tx.search.add(sub, [b"first"])
