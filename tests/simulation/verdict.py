"""
What must be true at the end of a history, once the house is at rest.

The house's own books first (`tests/books.py`), then what its people were told: one winner, nobody lost,
nobody erased unasked, nothing inherited.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cenote.domain.sealed import digest_of
from cenote.domain.users import User
from cenote.vault.slots import KeysFolder
from tests.books import Books, faults_of
from tests.simulation.world import NEVER, SHARED, Birth, Event, Sitting, World, refreshing
from tests.writers import WRITERS, Aim

RENEWING = ("GetTokensFromRefreshToken", "DeleteUser", "GlobalSignOut")


def books_of(world: World) -> Books:
    """The books of a history's house."""
    settings, folder = world.house.settings, world.house.vault.folder
    return Books(world.house.peek, _copies(folder), settings.master_key_file)


def verdict(world: World, *, births_lost: set[str], had_disaster: bool, knows_every_grave: bool) -> list[str]:
    """Every fault of a history.  `births_lost`: who came after the copy that the data was put back to."""
    books = books_of(world)
    users = {sub: user for sub, user in books.users().items() if isinstance(user, User)}
    births = world.knows.births | _unanswered_births(world, users)
    return [
        *world.faults,
        *faults_of(books, knows_every_grave=knows_every_grave),
        *_faults_of_presence(world, books, births, births_lost),
        *_faults_of_winners(world, books, births, had_disaster=had_disaster),
        *(fault for user in users.values() for fault in _inherited(world, user, births[user.sub])),
        *_faults_of_belongings(world, books, users, births),
        *_faults_of_tokens(world, users),
    ]


def _copies(folder: KeysFolder) -> tuple[Path, ...]:
    return (folder.folder, *([] if folder._mirror is None else [folder._mirror.folder]))


def _unanswered_births(world: World, users: dict[str, User]) -> dict[str, Birth]:
    """Whoever is there although the call that made them was cut off: told by the mark that it wrote."""
    made = {
        event.aim.mark: event
        for event in world.events
        if event.operation in {"SignUp", "AdminCreateUser"} and event.may_have_happened
    }
    births: dict[str, Birth] = {}
    for sub in users.keys() - world.knows.births.keys():
        event = next((made[mark] for mark in _marks_of(users[sub]) if mark in made), None)
        if event is None:  # another call has overwritten the mark: nothing is known of the beginning
            births[sub] = Birth(users[sub].username, users[sub].pool_id, "unknown", 0, 0)
        else:
            births[sub] = Birth(event.aim.username, event.aim.pool_id, event.aim.mark, event.invoked, 0)
    return births


def _faults_of_presence(
    world: World, books: Books, births: dict[str, Birth], births_lost: set[str]
) -> Iterator[str]:
    """Whoever came is there, or is in the ledger because somebody asked for it."""
    ledger, pools, users = books.ledger(), books.pools(), books.users()
    for sub, birth in births.items():
        is_there, is_erased = sub in users, digest_of(sub) in ledger
        is_of_a_pool = birth.pool_id in pools
        if not (is_there or is_erased or sub in births_lost) and is_of_a_pool:
            yield f"user {sub} ({birth.username}) was lost"
        if is_there and sub in world.gone:
            yield f"user {sub} ({birth.username}) was gone, and is there"
        if is_erased and not _asked_to_erase(world, sub, birth):
            yield f"user {sub} ({birth.username}) was erased, and nobody asked for it"


def _asked_to_erase(world: World, sub: str, birth: Birth) -> list[Event]:
    return [
        event
        for event in world.events
        if event.may_have_happened
        and (
            (event.operation == "DeleteUser" and event.sub == sub)
            or (event.operation == "AdminDeleteUser" and _may_have_met(event, birth))
        )
    ]


def _may_have_met(event: Event, birth: Birth) -> bool:
    """Whether a call by this user's name may have found them."""
    is_theirs = (event.aim.username, event.aim.pool_id) == (birth.username, birth.pool_id)
    return is_theirs and event.answered > birth.invoked


def _faults_of_winners(
    world: World, books: Books, births: dict[str, Birth], *, had_disaster: bool
) -> Iterator[str]:
    """Of all who erase one user, one succeeds."""
    told = [event for event in world.events if event.error is None and event.answered < NEVER]
    own = Counter(str(event.sub) for event in told if event.operation == "DeleteUser")
    if had_disaster:
        return  # whoever was told so without a tombstone may be back, and be erased once more
    for sub, count in own.items():
        if count > 1:
            yield f"user {sub} was erased {count} times"
    ledger = books.ledger()
    erased = Counter(birth.username for sub, birth in births.items() if digest_of(sub) in ledger)
    by_name = Counter(event.aim.username for event in told if event.operation == "AdminDeleteUser")
    for sub, count in own.items():
        by_name[births[sub].username] += count
    if by_name != erased:
        yield f"erasures were answered {dict(by_name)}, and happened {dict(erased)}"


def _inherited(world: World, user: User, birth: Birth) -> Iterator[str]:
    """Attributes that nobody gave to this user."""
    for mark in _marks_of(user):
        if mark == birth.mark:
            continue
        event = next((one for one in world.events if one.aim.mark == mark), None)
        if event is None or not _may_write(event, user.sub, birth):
            yield f"user {user.sub} ({user.username}) has {mark} of {event.operation if event else 'nobody'}"


def _may_write(event: Event, sub: str, birth: Birth) -> bool:
    if event.operation.startswith("Admin"):
        return event.may_have_happened and _may_have_met(event, birth)
    if event.operation == "SignUp":
        return birth.mark == "unknown"
    return event.may_have_happened and event.sub == sub


def _marks_of(user: User) -> set[str]:
    """The marks of the requests that wrote this user's attributes; a shared address is nobody's mark."""
    values = {user.attributes[name] for name in ("nickname", "email") if name in user.attributes}
    return {value.removesuffix("@example.com") for value in values} - {SHARED}


def _faults_of_belongings(
    world: World, books: Books, users: dict[str, User], births: dict[str, Birth]
) -> Iterator[str]:
    """Groups that nobody put this user into, and sessions that were begun by another."""
    names: dict[str, str] = {row[0]: row[1] for row in books.query("select group_id, name from user_groups")}
    begun = {one.session_id: one.sub for one in world.knows.sittings}
    for sub, kind, identity in books.query("select sub, kind, id from belongings"):
        if sub not in users:
            continue
        if kind == "group" and not _put_in(world, births[sub], names.get(identity, "")):
            yield f"user {sub} ({births[sub].username}) is in a group that nobody put them into"
        if kind in {"session", "ended"} and begun.get(identity, sub) != sub:
            yield f"user {sub} has a session of {begun[identity]}"


def _put_in(world: World, birth: Birth, group: str) -> bool:
    if birth.mark.startswith("before"):
        return True
    return any(
        event.operation == "AdminAddUserToGroup"
        and event.may_have_happened
        and event.aim.group == group
        and _may_have_met(event, birth)
        for event in world.events
    )


def _faults_of_tokens(world: World, users: dict[str, User]) -> Iterator[str]:
    """Tokens of the erased are refused; those of the living speak for nobody else."""
    for sitting in [*world.knows.sittings]:
        aim = _aim_of(sitting, world)
        asked = [world.call("GetUser", {"AccessToken": sitting.access}, aim)]
        if sitting.sub not in users:
            asked += [world.call("InitiateAuth", refreshing(aim), aim)]
            asked += [world.call(name, WRITERS[name](aim), aim) for name in RENEWING]
            for event in asked:
                if event.error is None:
                    yield f"{event.operation} served a token of {sitting.sub}, who is not there"
        shown = {pair["Name"]: pair["Value"] for pair in asked[0].answer.get("UserAttributes", [])}
        if shown and shown["sub"] != sitting.sub:
            yield f"a token of {sitting.sub} showed {shown['sub']}"


def _aim_of(sitting: Sitting, world: World) -> Aim:
    return Aim(
        world.knows.pools.pool_id,
        sitting.client_id,
        sitting.username,
        "in the end",
        access_token=sitting.access,
        refresh_token=sitting.refresh,
    )
