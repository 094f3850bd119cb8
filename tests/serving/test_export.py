"""`cenote user export`: everything of one user as JSON, and nothing that lets anybody in."""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.commands import refused_beside, run_beside, said_beside
from tests.house import PASSWORD, Tenant
from tests.wire.steps import pairs


def export(tenant: Tenant, *words: str) -> dict[str, Any]:
    said = said_beside(tenant.house, "user", "export", "--pool", tenant.pool_id, *words)
    found: dict[str, Any] = json.loads(said)
    return found


def test_everything_of_a_user_is_shown(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann", email="ann@example.com", name="Ann Övergård")
    pool, cognito = {"UserPoolId": tenant.pool_id}, tenant.cognito
    cognito.create_group(**pool, GroupName="crew", Precedence=3, Description="who sails")
    cognito.admin_add_user_to_group(**pool, Username="ann", GroupName="crew")
    cognito.admin_update_user_attributes(
        **pool, Username="ann", UserAttributes=pairs(email="ann@example.com", email_verified="true")
    )
    alive, ended = tenant.sign_in("ann"), tenant.sign_in("ann")
    cognito.revoke_token(ClientId=tenant.client_id, Token=ended["RefreshToken"])
    cognito.forgot_password(ClientId=tenant.client_id, Username="ann")
    said_beside(
        tenant.house, "user", "hold", "--pool", tenant.pool_id, "--sub", sub, "--reason", "x", "--by", "me"
    )
    shown = export(tenant, "--sub", sub)
    assert shown == export(tenant, "--username", "ann") | {"exported_at": shown["exported_at"]}
    assert (shown["export"], shown["pool"]) == (1, {"id": tenant.pool_id, "name": "tests"})
    user = shown["user"]
    assert (user["sub"], user["username"], user["status"], user["enabled"]) == (sub, "ann", "CONFIRMED", True)
    expected = {"email": "ann@example.com", "email_verified": "true", "name": "Ann Övergård"}
    assert user["attributes"] == expected
    assert user["password"] == {
        "verifier": "held, not shown",
        "temporary_since": None,
        "former_verifiers": 0,
    }
    (group,) = shown["groups"]
    assert (group["name"], group["precedence"], group["description"]) == ("crew", 3, "who sails")
    assert group["joined_at"]
    assert sorted(one["state"] for one in shown["sessions"]) == ["alive", "ended"]
    assert {one["client_id"] for one in shown["sessions"]} == {tenant.client_id}
    assert [(one["for"], one["attribute"]) for one in shown["codes"]] == [
        ("sign_up", "email"),
        ("forgot_password", "email"),
    ]
    assert {"ForgotPassword": 1}.items() <= {one["of"]: one["count"] for one in shown["attempts"]}.items()
    assert {one["to"] for one in shown["messages"]} == {"ann@example.com"}
    assert (shown["found_by"]["names"], shown["others"]) == (1, [])
    assert (shown["hold"], shown["activity"]["wrong_passwords"]) == ({"until": "released"}, 0)
    (line,) = shown["record"]
    assert (line["act"], line["sub_sha256"]) == ("hold", hashlib.sha256(sub.encode()).hexdigest())
    assert alive["AccessToken"]


def test_nothing_that_lets_anybody_in_is_shown(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann", confirmed=False, email="ann@example.com")
    codes = {message["code"] for message in tenant.house.inbox("ann@example.com")}
    text = json.dumps(export(tenant, "--sub", sub))
    assert codes
    assert [secret for secret in {PASSWORD, *codes} if secret in text] == []
    assert "salt" not in text.replace("the password's verifier and salt", "")
    shown = json.loads(text)
    assert shown["user"]["password"]["verifier"] == "held, not shown"
    assert [one["for"] for one in shown["codes"]] == ["sign_up"]
    assert all(set(one) == {"for", "attribute", "sent_at", "expires_at"} for one in shown["codes"])
    assert all("body" not in one and "code" not in one for one in shown["messages"])


def test_a_user_is_found_by_an_alias_and_in_their_own_pool_only(tenants: Any) -> None:
    tenant, other = tenants(pool={"AliasAttributes": ["email"]}), tenants()
    sub = tenant.sign_up("ann")
    tenant.cognito.admin_update_user_attributes(
        UserPoolId=tenant.pool_id,
        Username="ann",
        UserAttributes=pairs(email="ann@example.com", email_verified="true"),
    )
    assert export(tenant, "--username", "ann@example.com")["user"]["sub"] == sub
    for words in (["--sub", sub], ["--username", "ann"]):
        said = refused_beside(other.house, "user", "export", "--pool", other.pool_id, *words)
        assert said == f"The pool {other.pool_id} has no such user."


def test_who_is_erased_is_shown_no_more(tenant: Tenant) -> None:
    sub = tenant.sign_up("ann")
    tenant.cognito.admin_delete_user(UserPoolId=tenant.pool_id, Username="ann")
    place = ("user", "export", "--pool", tenant.pool_id)
    for words in (["--sub", sub], ["--username", "ann"]):
        assert refused_beside(tenant.house, *place, *words) == f"The pool {tenant.pool_id} has no such user."


def test_a_file_is_its_owners_alone_and_nothing_is_overwritten(tenant: Tenant, tmp_path: Path) -> None:
    sub, file = tenant.sign_up("ann"), tmp_path / "ann.json"
    words = ("user", "export", "--pool", tenant.pool_id, "--sub", sub, "--output", str(file))
    done = run_beside(tenant.house, *words)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{file} is written; it is personal data.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["user"]["sub"] == sub
    assert refused_beside(tenant.house, *words).startswith(f"{file} is there already;")
    nowhere = (*words[:-1], str(tmp_path / "none" / "x"))
    assert refused_beside(tenant.house, *nowhere).startswith(f"{tmp_path / 'none' / 'x'} can't be written")


@pytest.mark.parametrize("words", [[], ["--sub", "x", "--username", "ann"]])
def test_one_must_say_whose(tenant: Tenant, words: list[str]) -> None:
    said = refused_beside(tenant.house, "user", "export", "--pool", tenant.pool_id, *words)
    assert said == "Say whose data to export: one of --sub and --username."
