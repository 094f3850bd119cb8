"""
`kill -9` at every seam of a deletion, and old copies of the data put back beside the present keys folder.

Whoever was told 200 stays gone, from every copy; whoever was not is whole or gone; everybody else lives.
"""

from pathlib import Path

import pytest

from tests.crash.evidence import (
    ERASED,
    OPENS,
    is_buried,
    is_in_ledger,
    is_noted_as_done,
    owners_of_slots,
    rows,
    rows_of,
    slot_of,
    state_of,
)
from tests.crash.scene import Past, Person, Scene, delete_all_at_once, put_back
from tests.everyday import of_which
from tests.house import Tenant, error_of
from tests.nursery import QuickHouse
from tests.vault.files import tombstones_in

BEFORE_THE_COMMIT = ("body.after", "commit.before")
AFTER_THE_COMMIT = ("commit.after", "tombstone.written", "tombstones.durable", "ledger.before_done")
CROWD = 8
PASTS = (Past.PRESENT, Past.BEFORE_DELETION)


@pytest.mark.parametrize("past", of_which(Past, [Past.BEFORE_DELETION]), ids=lambda past: past.value)
@pytest.mark.parametrize("seam", [*BEFORE_THE_COMMIT, *AFTER_THE_COMMIT])
def test_a_deletion_cut_off_anywhere_is_whole_or_gone_and_gone_if_the_client_was_told(own_house, seam, past):
    scene = Scene(own_house)
    bob, slot = scene.bob, slot_of(own_house.data, scene.bob.sub)
    own_house.arm(seam)
    was_told = bob.delete()
    own_house.wait_for_death()
    assert was_told == (seam == "ledger.before_done")
    is_committed, was_buried = is_in_ledger(own_house.data, bob.sub), is_buried(own_house.keys, slot, bob.sub)
    assert is_committed or seam not in AFTER_THE_COMMIT[1:]
    assert not is_committed or seam not in BEFORE_THE_COMMIT
    must_be_gone = was_told or was_buried or (is_committed and past is Past.PRESENT)

    scene.turn_back(past)
    own_house.start()
    for person in scene.living(past):
        person.assert_lives()
    if must_be_gone or past is Past.BEFORE_CREATION:
        bob.assert_is_gone()
    else:
        bob.assert_lives()
    Person(scene.tenant, "dan").assert_lives()
    own_house.stop()

    scene.assert_no_slot_was_used_twice()
    old, present = scene.copies[Past.BEFORE_DELETION], own_house.data
    assert state_of(old, own_house, bob.sub) == (ERASED if must_be_gone else OPENS)
    assert [state_of(old, own_house, person.sub) for person in (scene.ann, scene.cid)] == [OPENS] * 2
    if must_be_gone:
        assert rows_of(present, bob.sub) == 0
        assert is_buried(own_house.keys, slot, bob.sub)
        assert past is Past.BEFORE_CREATION or is_noted_as_done(present, bob.sub)
    assert tombstones_in(own_house.keys) == int(must_be_gone)


@pytest.mark.parametrize("past", of_which(PASTS, [Past.BEFORE_DELETION]), ids=lambda past: past.value)
@pytest.mark.parametrize(
    "seam, passes",
    [("body.after", 3), ("tombstone.written", 2), ("tombstone.written", 5)],
)
def test_a_crowd_that_goes_at_once_is_cut_off_in_the_middle(own_house, seam, passes, past):
    scene = Scene(own_house)
    crowd = [Person(scene.tenant, f"one{number}") for number in range(CROWD)]
    before = own_house.copy_data("before the crowd went")
    slots = {one.sub: slot_of(before, one.sub) for one in crowd}
    own_house.arm(seam, passes)
    told = delete_all_at_once(crowd)
    own_house.wait_for_death()
    assert not all(told)
    gone = set()
    for one, was_told in zip(crowd, told, strict=True):
        was_buried = is_buried(own_house.keys, slots[one.sub], one.sub)
        assert was_buried or not was_told
        if was_buried or (past is Past.PRESENT and is_in_ledger(own_house.data, one.sub)):
            gone.add(one.sub)

    if past is not Past.PRESENT:
        own_house.put_data_back(before)
    own_house.start()
    for person in (*scene.living(past), scene.bob):
        person.assert_lives()
    for one in crowd:
        (one.assert_is_gone if one.sub in gone else one.assert_lives)()
    own_house.stop()
    for one in crowd:
        assert state_of(before, own_house, one.sub) == (ERASED if one.sub in gone else OPENS)
        assert rows_of(own_house.data, one.sub) == 0 or one.sub not in gone
    assert tombstones_in(own_house.keys) == len(gone)


def test_a_kill_while_nothing_is_under_way_loses_nobody(own_house):
    scene = Scene(own_house)
    scene.bob.delete()
    own_house.kill()
    own_house.start()
    for person in (scene.ann, scene.cid):
        person.assert_lives()
    scene.bob.assert_is_gone()


# After a rollback


@pytest.mark.thorough
def test_rows_of_the_erased_are_found_although_a_kill_cut_their_batch_off_and_the_data_saw_nothing(own_house):
    """The copy had seen the keys folder just as far as it came before that tombstone."""
    scene = Scene(own_house)
    own_house.stop()
    own_house.start()
    scene.copies[Past.BEFORE_DELETION] = own_house.copy_data("before the deletion, and all seen")
    own_house.arm("tombstone.written")
    assert not scene.bob.delete()
    own_house.wait_for_death()
    scene.turn_back(Past.BEFORE_DELETION)
    own_house.start()
    scene.bob.assert_is_gone()
    own_house.stop()
    assert rows_of(own_house.data, scene.bob.sub) == 0
    assert is_noted_as_done(own_house.data, scene.bob.sub)


def test_the_name_of_the_erased_is_free_at_once_and_their_rows_go_with_it(own_house):
    scene = Scene(own_house)
    scene.bob.delete()
    own_house.stop()
    scene.turn_back(Past.BEFORE_DELETION)
    own_house.start()
    assert rows_of(own_house.data, scene.bob.sub) > 0
    namesake = Person(scene.tenant, "bob")
    namesake.assert_lives()
    assert rows_of(own_house.data, scene.bob.sub) == 0
    refusal = error_of(scene.tenant.cognito.get_user, AccessToken=scene.bob.token)
    assert refusal[:2] == ("NotAuthorizedException", "Invalid access token.")
    own_house.stop()
    scene.assert_no_slot_was_used_twice()


@pytest.mark.thorough
def test_sign_ups_after_any_number_of_kills_and_rollbacks_never_reuse_a_slot(own_house):
    own_house.start()
    tenant, copies = Tenant(own_house), []
    for turn in range(6):
        for number in range(3):
            tenant.sign_up(f"turn{turn}-{number}")
        copies.append(own_house.copy_data(f"turn {turn}"))
        own_house.kill()
        if turn % 2:
            own_house.put_data_back(copies[turn // 2])
        own_house.start()
    owners = owners_of_slots([*copies, own_house.data])
    assert len(owners) >= 1 + 6 * 3
    assert {slot: subs for slot, subs in owners.items() if len(subs) > 1} == {}


# A pool


@pytest.mark.parametrize("past", of_which(PASTS, [Past.BEFORE_DELETION]), ids=lambda past: past.value)
@pytest.mark.parametrize(
    "seam", of_which(["commit.after", "tombstone.written", "tombstones.durable"], ["tombstone.written"])
)
def test_a_pool_whose_deletion_is_cut_off_is_whole_or_gone(own_house, seam, past):
    scene = Scene(own_house)
    other = Tenant(own_house)
    dan, slot = Person(other, "dan"), pool_slot(own_house.data, other.pool_id)
    before = own_house.copy_data("before the pool went")
    own_house.arm(seam)
    with pytest.raises(Exception, match="Connection"):
        other.cognito.delete_user_pool(UserPoolId=other.pool_id)
    own_house.wait_for_death()
    was_buried = is_buried(own_house.keys, slot, other.pool_id)
    must_be_gone = was_buried or (past is Past.PRESENT and is_in_ledger(own_house.data, other.pool_id))
    if past is not Past.PRESENT:
        own_house.put_data_back(before)
    own_house.start()
    for person in (scene.ann, scene.bob, scene.cid):
        person.assert_lives()
    if must_be_gone:
        refusal = error_of(other.cognito.describe_user_pool, UserPoolId=other.pool_id)
        assert refusal[0] == "ResourceNotFoundException"
    else:
        dan.assert_lives()
    own_house.stop()
    assert state_of(before, own_house, dan.sub) == (ERASED if must_be_gone else OPENS)
    assert tombstones_in(own_house.keys) == int(must_be_gone)
    assert (rows_of(own_house.data, dan.sub) == 0) == must_be_gone


def pool_slot(data: Path, pool_id: str) -> int:
    ((slot,),) = rows(data, "select slot from pools where pool_id = ?", pool_id)
    return int(slot)


# With a mirror


@pytest.fixture
def mirrored(tmp_path):
    """A house whose keys folder has a mirror."""
    own = QuickHouse(tmp_path, "--keys-mirror", str(tmp_path / "mirror"))
    yield own
    own.stop()


@pytest.mark.parametrize("passes", of_which([0, 1], [0]))
def test_a_kill_between_the_folder_and_its_mirror_leaves_no_copy_that_opens_the_erased(mirrored, passes):
    scene, mirror = Scene(mirrored), mirrored.root / "mirror"
    mirrored.arm("tombstone.written", passes)
    scene.bob.delete()
    mirrored.wait_for_death()
    old = scene.copies[Past.BEFORE_DELETION]
    assert state_of(old, mirrored, scene.bob.sub, mirror) == (OPENS, ERASED)[passes]
    mirrored.start()
    scene.bob.assert_is_gone()
    for keys in (mirrored.keys, mirror):
        assert state_of(old, mirrored, scene.bob.sub, keys) == ERASED
        assert state_of(old, mirrored, scene.ann.sub, keys) == OPENS


def test_a_mirror_takes_the_place_of_a_lost_keys_folder(mirrored):
    scene = Scene(mirrored)
    scene.bob.delete()
    mirrored.kill()
    scene.turn_back(Past.BEFORE_DELETION)
    put_back(mirrored.keys, mirrored.root / "mirror")
    mirrored.flags = ()
    mirrored.start()
    scene.ann.assert_lives()
    scene.bob.assert_is_gone()
    Person(scene.tenant, "dan").assert_lives()
    mirrored.stop()
    scene.assert_no_slot_was_used_twice()
