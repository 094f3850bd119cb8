"""
Canaries: values that occur nowhere else are planted in all that is personal, and looked for in every file.

They are in clear nowhere, in no spelling, before an erasure or after it; and a pool goes by one tombstone.
"""

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crash.evidence import ERASED, OPENS, rows, rows_of, state_of
from tests.crash.scene import soon
from tests.house import House, Tenant, error_of
from tests.vault.files import tombstones_in

USERNAME = "canary-user-7f3a91"
PASSWORD = "Canary-Passw0rd-c41d"
ATTRIBUTES = {
    "name": "canaryname5512",
    "given_name": "canarygiven5513",
    "family_name": "canaryfamily5514",
    "middle_name": "canarymiddle5515",
    "nickname": "canarynick5516",
    "preferred_username": "canarypreferred5517",
    "profile": "https://canaryprofile5518.example/",
    "picture": "https://canarypicture5519.example/",
    "website": "https://canarywebsite5520.example/",
    "email": "canarymail5521@canarydomain5522.example",
    "phone_number": "+499913375523",
    "gender": "canarygender5524",
    "birthdate": "1961-02-29",
    "zoneinfo": "Canary/Zone5525",
    "locale": "canarylocale5526",
    "address": "canaryaddress5527",
    "updated_at": "1337552813375",
    "custom:secret": "canarycustom5529",
}
CROWD = 300
NUMBERS_OF_A_LOG_LINE = re.compile(rb'"(id|timestamp)":"[^"]*"|"ms":[0-9.]+')


def spellings(value: str) -> Iterator[bytes]:
    """A value as it might lie in a file: as text, as wide text, in hex, in base64 at each of its offsets."""
    text = value.encode()
    yield from (text, value.upper().encode(), value.encode("utf-16-le"), value.encode("utf-16-be"))
    yield from (text.hex().encode(), text.hex().upper().encode())
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + text)
        inner = whole[(8 * offset + 5) // 6 : (8 * (offset + len(text))) // 6]  # what no neighbour touches
        yield from (inner, inner.translate(bytes.maketrans(b"+/", b"-_")))


def found_in(folder: Path, values: list[str]) -> list[tuple[str, str]]:
    """Which of these values are in clear in which file below a folder."""
    contents = {
        str(file.relative_to(folder)): NUMBERS_OF_A_LOG_LINE.sub(b"", file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file()
    }
    return [
        (name, value)
        for name, content in contents.items()
        for value in values
        if any(spelling in content for spelling in spellings(value))
    ]


@pytest.mark.parametrize("offset", range(4))
def test_the_search_would_find_a_canary(tmp_path, offset):
    value = ATTRIBUTES["email"]
    for number, written in enumerate(
        [
            value.encode(),
            value.encode("utf-16-le"),
            value.encode().hex().encode(),
            base64.b64encode(b"x" * offset + value.encode() + b"behind"),
            base64.urlsafe_b64encode(b"x" * offset + value.encode() + b"behind"),
        ]
    ):
        (tmp_path / f"{number}").write_bytes(b"before" + written + b"behind")
    assert {name for name, _value in found_in(tmp_path, [value])} == {"0", "1", "2", "3", "4"}


def canary_house(house: House) -> Tenant:
    schema = [{"Name": "secret", "AttributeDataType": "String", "StringAttributeConstraints": {}}]
    return Tenant(house.start(), pool={"Schema": schema})


def test_nothing_personal_is_in_clear_in_any_file_before_an_erasure_or_after_it(own_house):
    tenant = canary_house(own_house)
    pairs = [{"Name": name, "Value": value} for name, value in ATTRIBUTES.items()]
    codes = []
    made = tenant.cognito.sign_up(
        ClientId=tenant.client_id, Username=USERNAME, Password=PASSWORD, UserAttributes=pairs
    )
    codes.append(own_house.inbox(ATTRIBUTES["email"])[0]["code"])
    tenant.cognito.resend_confirmation_code(ClientId=tenant.client_id, Username=USERNAME)
    codes.append(own_house.inbox(ATTRIBUTES["email"])[0]["code"])
    own_house.call(
        "ConfirmSignUp", {"ClientId": tenant.client_id, "Username": USERNAME, "ConfirmationCode": "x"}
    )
    tenant.cognito.confirm_sign_up(ClientId=tenant.client_id, Username=USERNAME, ConfirmationCode=codes[1])
    parameters = {"USERNAME": USERNAME, "PASSWORD": PASSWORD}
    tokens = tenant.cognito.initiate_auth(
        ClientId=tenant.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
    )["AuthenticationResult"]
    error_of(
        tenant.cognito.initiate_auth,
        ClientId=tenant.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters=parameters | {"PASSWORD": PASSWORD + "wrong"},
    )
    shown = tenant.cognito.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]
    assert {pair["Name"]: pair["Value"] for pair in shown}.items() >= ATTRIBUTES.items()
    secrets = [*tokens["AccessToken"].split("."), *tokens["RefreshToken"].split(".")][1:]
    planted = [USERNAME, PASSWORD, *ATTRIBUTES.values(), "canarydomain5522", *codes]
    planted += [part for part in secrets if not part.startswith("eyJ")]

    assert found_in(own_house.root, planted) == []
    own_house.copy_data("a backup")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert found_in(own_house.root, planted) == []
    own_house.kill()
    assert found_in(own_house.root, planted) == []
    own_house.start()
    own_house.stop()
    assert found_in(own_house.root, planted) == []
    assert state_of(own_house.root / "a backup", own_house, made["UserSub"]) == ERASED
    assert rows_of(own_house.data, made["UserSub"]) == 0


def test_a_pool_of_many_goes_by_one_tombstone_and_its_rows_are_swept_behind_the_answer(own_house):
    tenant, neighbours = Tenant(own_house.start()), Tenant(own_house)
    stays = neighbours.sign_up("stays")
    with ThreadPoolExecutor(8) as threads:
        names = [f"one{number}" for number in range(CROWD)]
        subs = list(threads.map(lambda name: tenant.sign_up(name, confirmed=False), names))
    full = own_house.copy_data("full")
    assert {state_of(full, own_house, sub) for sub in subs} == {OPENS}

    tenant.cognito.delete_user_pool(UserPoolId=tenant.pool_id)
    assert tombstones_in(own_house.keys) == 1
    assert {state_of(full, own_house, sub) for sub in subs} == {ERASED}
    assert state_of(full, own_house, stays) == OPENS
    refusal = error_of(tenant.cognito.admin_get_user, UserPoolId=tenant.pool_id, Username="one0")
    assert refusal[0] == "ResourceNotFoundException"
    count = "select (select count(*) from users) + (select count(*) from keys) + (select count(*) from names)"
    soon(lambda: rows(own_house.data, count) == [(3,)])
    assert rows_of(own_house.data, stays) == 4
    soon(lambda: rows(own_house.data, "select count(*) from fallen_pools") == [(0,)])
    own_house.stop()
    assert tombstones_in(own_house.keys) == 1
