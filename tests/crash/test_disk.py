"""The disk's own troubles: full, read-only, locked.  A clear error, nothing half done, and on it goes."""

import json
import sqlite3
import subprocess
import time

import pytest

from tests.database_away import full_disk
from tests.house import House, Tenant, error_of

FAULT = ("InternalErrorException", "Something went wrong", 500)


def alarms(house: House) -> list[str]:
    lines = [json.loads(line) for line in house.log.read_text().splitlines() if line.startswith("{")]
    return [line["alarm"] for line in lines if line["event"] == "alarm"]


def test_a_full_disk_refuses_what_it_can_not_hold_and_forgets_nothing_that_it_said(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    ann = tenant.user("ann", email="ann@example.com")
    with full_disk(own_house):
        refused = [
            error_of(
                tenant.cognito.sign_up, ClientId=tenant.client_id, Username=name, Password="Correct-horse1"
            )
            for name in ("bob", "carol")
        ]
        assert FAULT in refused
        assert tenant.cognito.get_user(AccessToken=ann["AccessToken"])["Username"] == "ann"
        kept = error_of(tenant.cognito.delete_user, AccessToken=ann["AccessToken"])
        assert kept == FAULT
    assert any("could not be written" in alarm for alarm in alarms(own_house))
    assert tenant.sign_up("bob")
    assert tenant.cognito.get_user(AccessToken=ann["AccessToken"])["Username"] == "ann"
    tenant.cognito.delete_user(AccessToken=ann["AccessToken"])
    own_house.kill()
    own_house.start()
    assert tenant.sign_in("bob")["AccessToken"]


@pytest.mark.thorough
def test_a_database_that_somebody_locked_is_waited_for_and_then_refused_and_then_used_again(
    own_house: House,
) -> None:
    tenant = Tenant(own_house.start())
    ann = tenant.user("ann")
    stranger = sqlite3.connect(own_house.data / "cenote.db", isolation_level=None)
    stranger.execute("begin immediate")
    refused = error_of(tenant.cognito.delete_user, AccessToken=ann["AccessToken"])
    assert refused == FAULT
    assert tenant.cognito.get_user(AccessToken=ann["AccessToken"])["Username"] == "ann"
    stranger.execute("rollback")
    stranger.close()
    assert any("locked" in alarm for alarm in alarms(own_house))
    tenant.cognito.delete_user(AccessToken=ann["AccessToken"])


@pytest.mark.thorough
def test_a_folder_that_can_not_be_written_stops_the_start_with_a_sentence(own_house: House) -> None:
    Tenant(own_house.start()).user("ann")
    own_house.stop()
    (own_house.data / "cenote.db").rename(own_house.root / "away")
    (own_house.data / "cenote.db").mkdir()
    assert "can't be used" in own_house.refuses_to_start()
    (own_house.data / "cenote.db").rmdir()
    (own_house.root / "away").rename(own_house.data / "cenote.db")
    own_house.start()


@pytest.mark.thorough
def test_a_read_only_disk_is_a_sentence_at_the_start_and_no_harm(own_house: House) -> None:
    tenant = Tenant(own_house.start())
    tenant.user("ann")
    own_house.stop()
    folder = own_house.root / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=False).returncode != 0:
        return  # nobody may mount here; the locked and the full disk say the same of every call
    try:
        own_house.data.rename(own_house.root / "data-before")
        subprocess.run(["cp", "-a", str(own_house.root / "data-before"), str(folder / "data")], check=True)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        own_house.data = folder / "data"
        own_house.flags = ("--keys", str(own_house.keys), "--master-key-file", str(own_house.master))
        assert "can't be used" in own_house.refuses_to_start()
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        own_house.start()
        assert tenant.sign_in("ann")["AccessToken"]
        own_house.stop()
    finally:
        time.sleep(0.1)
        subprocess.run(["umount", "-l", str(folder)], check=True)
