"""Legal holds beside a running server, on both engines: nobody erases who is held, and all is recorded."""

import hashlib
import json
from functools import partial
from typing import Any

import pytest

from tests.commands import refused_beside, said_beside
from tests.house import House, Tenant, error_of
from tests.wire.steps import DONE, at_once

NOT_ENABLED = (
    "OperationNotEnabledException",
    "This operation is not available in the current region or for the current user pool configuration.",
    400,
)
WHY = ("--reason", "case 12/2031", "--by", "the auditor")


def hold(tenant: Tenant, sub: str, *words: str) -> str:
    return said_beside(tenant.house, "user", "hold", "--pool", tenant.pool_id, "--sub", sub, *WHY, *words)


def release(tenant: Tenant, sub: str) -> str:
    return said_beside(tenant.house, "user", "release", "--pool", tenant.pool_id, "--sub", sub, *WHY)


def record(house: House, sub: str) -> list[dict[str, Any]]:
    lines = said_beside(house, "user", "record", "--sub", sub).splitlines()
    return [json.loads(line) for line in lines]


def test_who_is_held_is_erased_by_nobody_and_everything_stays_as_it_is(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann", email="ann@example.com")
    tokens = tenant.sign_in("ann")
    pool, cognito = {"UserPoolId": tenant.pool_id}, tenant.cognito
    before = cognito.admin_get_user(**pool, Username="ann")
    assert hold(tenant, sub) == f"{sub} is held until released.\n"
    assert error_of(cognito.delete_user, AccessToken=tokens["AccessToken"]) == NOT_ENABLED
    assert error_of(cognito.admin_delete_user, **pool, Username="ann") == NOT_ENABLED
    assert error_of(cognito.delete_user_pool, **pool) == NOT_ENABLED
    after = cognito.admin_get_user(**pool, Username="ann")
    assert {**before, "ResponseMetadata": None} == {**after, "ResponseMetadata": None}
    assert cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    assert tenant.sign_in("ann")
    assert release(tenant, sub) == f"{sub} is released.\n"
    cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert error_of(cognito.admin_get_user, **pool, Username="ann")[0] == "UserNotFoundException"
    cognito.delete_user_pool(**pool)


def test_a_hold_is_nobody_elses_business(tenant: Tenant) -> None:
    ann, bob = tenant.sign_up("ann"), tenant.user("bob")
    hold(tenant, ann)
    tenant.cognito.delete_user(AccessToken=bob["AccessToken"])
    tenant.cognito.update_user_pool(UserPoolId=tenant.pool_id, AutoVerifiedAttributes=["email"])
    release(tenant, ann)


def test_a_hold_with_an_end_is_over_when_it_comes(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    assert hold(tenant, sub, "--until", "2126-01-31") == f"{sub} is held until 2126-01-31 00:00 UTC.\n"
    sooner = hold(tenant, sub, "--until", "2125-01-31T12:00:00+02:00")
    assert sooner == f"{sub} is held until 2126-01-31 00:00 UTC.\n"
    (row,) = [line for line in said_beside(tenant.house, "user", "holds").splitlines() if sub in line]
    assert row.split("  ")[:3] == [sub, tenant.pool_id, "2126-01-31 00:00 UTC"]
    assert row.endswith("the auditor  case 12/2031")
    release(tenant, sub)
    assert sub not in said_beside(tenant.house, "user", "holds")


def test_every_hold_and_release_is_recorded_for_good_without_naming_anybody(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    digest = hashlib.sha256(sub.encode()).hexdigest()
    hold(tenant, sub, "--until", "2126-01-31")
    release(tenant, sub)
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="ann")
    held, released = record(tenant.house, sub)
    told = {"pool": tenant.pool_id, "sub_sha256": digest, "by": "the auditor", "reason": "case 12/2031"}
    assert held == told | {"act": "hold", "until": "2126-01-31T00:00:00.000+00:00", "at": held["at"]}
    assert released == told | {"act": "release", "at": released["at"]}
    everything = said_beside(tenant.house, "user", "holds", "--all")
    rows = [line for line in everything.splitlines() if digest in line]
    assert [row.split("  ")[1].strip() for row in rows] == ["hold", "release"]
    assert (sub in everything, sub in said_beside(tenant.house, "user", "record")) == (False, False)


def test_of_many_erasures_at_once_none_slips_past_a_hold(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    token, pool = tenant.sign_in("ann")["AccessToken"], {"UserPoolId": tenant.pool_id}
    hold(tenant, sub)
    by_herself = partial(tenant.cognito.delete_user, AccessToken=token)
    by_an_admin = partial(tenant.cognito.admin_delete_user, **pool, Username="ann")
    outcomes = at_once(*[by_herself, by_an_admin, partial(tenant.cognito.delete_user_pool, **pool)] * 4)
    assert set(outcomes) == {f"{NOT_ENABLED[0]}: {NOT_ENABLED[1]}"}
    release(tenant, sub)
    assert sorted(at_once(*[by_herself] * 6)) == ["UserNotFoundException: User does not exist."] * 5 + [DONE]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["hold", "--sub", "nobody", *WHY], "The pool {pool} has no user nobody."),
        (["release", "--sub", "nobody", *WHY], "The pool {pool} holds no user nobody;"),
        (["hold", "--sub", "nobody", *WHY, "--until", "soon"], "--until must be a time such as"),
        (["hold", "--sub", "nobody", *WHY, "--until", "2001-01-31"], "--until must lie in the future."),
        (["hold", "--sub", "nobody", "--reason", " "], "--reason must say why, in at most 1000 characters."),
        (["hold", "--sub", "nobody", "--reason", "x", "--by", ""], "--by must name somebody"),
    ],
)
def test_what_is_no_order_is_refused_in_a_sentence(tenant: Tenant, words: list[str], sentence: str) -> None:
    command, *rest = words
    said = refused_beside(tenant.house, "user", command, "--pool", tenant.pool_id, *rest)
    assert said.startswith(sentence.format(pool=tenant.pool_id))
    elsewhere = refused_beside(tenant.house, "user", command, "--pool", "us-east-1_nowhere", *rest)
    assert elsewhere.startswith(sentence.format(pool="us-east-1_nowhere"))
