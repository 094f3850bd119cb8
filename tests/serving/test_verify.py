"""`cenote erasure verify`: what it calls proof, and what it does not."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, Tenant
from tests.nursery import run_command

MARK = b"CENOTE-X"


def verify(
    house: House, sub: str, *flags: str, master: Path | None = None
) -> tuple[int, dict[str, Any], str]:
    """The exit status, the receipt (or nothing) and what was said beside it."""
    key = ["--master-key-file", str(master or house.master)]
    done = run_command("erasure", "verify", sub, "--data", str(house.data), *key, *flags)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def states_in(receipt: dict[str, Any]) -> list[str]:
    """What the slot holds in each copy of the keys folder."""
    return [copy["state"] for copy in receipt["slot"]["copies"]]


def erased(house: House, tenant: Tenant, username: str) -> str:
    """A user who signed up and deleted themself: their `sub`."""
    sub = tenant.sign_up(username, email=f"{username}@example.com")
    tenant.cognito.delete_user(AccessToken=tenant.sign_in(username)["AccessToken"])
    return sub


def test_an_erased_user_is_proven_gone_from_the_files_and_from_an_older_copy(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    sub = tenant.sign_up("ann", email="ann@example.com")
    backup = own_house.copy_data("backup")
    assert verify(own_house, sub)[:2][1]["verdict"] == "living"
    tenant.cognito.delete_user(AccessToken=tenant.sign_in("ann")["AccessToken"])
    status, receipt, _said = verify(own_house, sub, "--also", str(backup))
    assert (status, receipt["verdict"], receipt["erased_with"]) == (0, "erased", "user")
    assert states_in(receipt) == ["buried"]
    assert any(copy["keys"] for copy in receipt["copies"])
    assert all(copy["openable"] == 0 for copy in receipt["copies"])
    assert sub not in json.dumps(receipt)
    assert "ann" not in json.dumps(receipt)


def test_a_living_user_opens_and_is_called_living(own_house: House) -> None:
    sub = Tenant(own_house.start()).sign_up("ann")
    status, receipt, _said = verify(own_house, sub)
    assert (status, receipt["verdict"]) == (1, "living")
    assert sum(copy["openable"] for copy in receipt["copies"]) > 0


@pytest.mark.thorough
def test_a_wrong_master_key_or_a_foreign_keys_folder_proves_nothing(own_house: House, tmp_path: Path) -> None:
    sub = Tenant(own_house.start()).sign_up("ann")
    wrong = tmp_path / "wrong.key"
    wrong.touch(mode=0o600)
    wrong.write_text(os.urandom(32).hex())
    status, receipt, said = verify(own_house, sub, master=wrong)
    assert (status, receipt) == (2, {})
    assert "not the one that this data was sealed with" in said
    foreign = tmp_path / "foreign"
    shutil.copytree(own_house.keys, foreign)
    (foreign / "pair").write_text(os.urandom(16).hex())
    status, receipt, said = verify(own_house, sub, "--keys", str(foreign))
    assert (status, receipt) == (2, {})
    assert "does not belong to this data" in said


def test_a_keys_folder_that_missed_the_tombstone_still_opens_an_older_copy(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    sub = tenant.sign_up("ann")
    backup = own_house.copy_data("backup")
    shutil.copytree(own_house.keys, own_house.root / "stale")
    tenant.cognito.delete_user(AccessToken=tenant.sign_in("ann")["AccessToken"])
    stale = ["--keys", str(own_house.root / "stale"), "--also", str(backup)]
    status, receipt, _said = verify(own_house, sub, *stale)
    assert (status, receipt["verdict"]) == (1, "openable")


def test_a_user_who_fell_with_the_pool_is_erased_by_the_pools_one_tombstone(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    sub = tenant.sign_up("ann")
    backup = own_house.copy_data("backup")
    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    status, receipt, _said = verify(own_house, sub, "--also", str(backup))
    assert (status, receipt["verdict"], receipt["erased_with"]) == (0, "erased", "pool")


@pytest.mark.thorough
def test_a_chunk_that_is_missing_leaves_the_proof_open(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    sub = erased(own_house, tenant, "ann")
    own_house.stop()
    (own_house.keys / "chunk-00000000.slots").rename(own_house.root / "away")
    status, receipt, _said = verify(own_house, sub)
    assert (status, receipt["verdict"], states_in(receipt)) == (1, "pending", ["missing"])


def test_nobody_is_unknown_and_a_bad_identity_is_refused(own_house: House) -> None:
    Tenant(own_house.start()).sign_up("ann")
    status, receipt, _said = verify(own_house, "01234567-89ab-cdef-0123-456789abcdef")
    assert (status, receipt["verdict"]) == (1, "unknown")
    status, receipt, said = verify(own_house, "ann")
    assert (status, receipt) == (2, {})
    assert "must be a `sub`" in said


def test_the_slot_on_the_disk_is_the_tombstone_when_the_answer_is_there(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    erased(own_house, tenant, "ann")
    content = (own_house.keys / "chunk-00000000.slots").read_bytes()
    assert content.count(MARK) == 1
