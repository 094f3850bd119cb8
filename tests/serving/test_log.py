"""What the operator reads of a call: its id and its outcome, and nothing of anybody's."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cenote import errors
from cenote.counting import Counting
from cenote.orders import Orders
from cenote.wire.admission import Admission
from cenote.wire.authorization import AnyCredentials
from cenote.wire.protocol import Call, Protocol
from cenote.wire.sigv4 import Head
from tests.by_hand import CONTENT_TYPE, TARGET_PREFIX, ask, post
from tests.engines import open_sqlite
from tests.house import MODEL, House, Tenant, error_of
from tests.lines import caught_lines


def lines_of(house: House) -> list[dict[str, Any]]:
    """The server's log: each line is a JSON object."""
    return [json.loads(line) for line in house.log.read_text(encoding="utf-8").splitlines()]


def line_of(house: House, call_id: str) -> dict[str, Any]:
    """The line of one call, which may be written a moment after its answer."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        found = [line for line in lines_of(house) if line.get("id") == call_id]
        if found:
            (line,) = found
            return line
        time.sleep(0.01)
    raise AssertionError("no line")


def test_each_call_leaves_one_line_with_its_id_and_outcome(house: House):
    answer = ask(house.port, post("GetUser"))
    line = line_of(house, answer.headers["x-amzn-requestid"])
    assert isinstance(line.pop("ms"), float)
    assert re.fullmatch(r"[0-9-]{10}T[0-9:.]+Z", line.pop("timestamp"))
    assert line == {
        "event": "call",
        "level": "info",
        "id": answer.headers["x-amzn-requestid"],
        "operation": "GetUser",
        "status": 400,
        "error": "InvalidParameterException",
    }


def test_a_name_that_is_no_operation_is_not_repeated_in_the_log(house: House):
    answer = ask(house.port, post("Evil\tName"))
    assert line_of(house, answer.headers["x-amzn-requestid"])["operation"] == "-"
    assert "Evil" not in house.log.read_text(encoding="utf-8")


def life(tenant: Tenant) -> list[str]:
    """All that may be done to and by a user whose every word is a canary; the words."""
    house, cognito = tenant.house, tenant.cognito
    name, mail, nick = "canary-name-7f3a", "canary-mail-7f3a@example.com", "canary-nick-7f3a"
    password, wrong = "Canary-password-7f3a!1", "Canary-wrong-7f3a!1"
    client = tenant.new_client(GenerateSecret=False, ClientName="canary-client-7f3a")
    mine = {"ClientId": client["ClientId"], "Username": name}
    pairs = [{"Name": "email", "Value": mail}, {"Name": "nickname", "Value": nick}]
    cognito.sign_up(**mine, Password=password, UserAttributes=pairs, ClientMetadata={"canary-meta-7f3a": "x"})
    code = house.inbox(mail)[0]["code"]
    error_of(cognito.sign_up, **mine, Password=password)
    error_of(cognito.sign_up, ClientId=mine["ClientId"], Username="canary-other-7f3a", Password="canary7f3a")
    error_of(cognito.confirm_sign_up, **mine, ConfirmationCode="000000" if code != "000000" else "111111")
    cognito.confirm_sign_up(**mine, ConfirmationCode=code)

    def sign_in(secret: str) -> dict[str, Any]:
        parameters = {"USERNAME": name, "PASSWORD": secret}
        return {
            "ClientId": client["ClientId"],
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": parameters,
        }

    tokens = cognito.initiate_auth(**sign_in(password))["AuthenticationResult"]
    error_of(cognito.initiate_auth, **sign_in(wrong))
    access = tokens["AccessToken"]
    cognito.get_user(AccessToken=access)
    error_of(cognito.get_user, AccessToken=access[:-4])
    error_of(cognito.admin_get_user, UserPoolId=tenant.pool_id, Username="canary-absent-7f3a")
    for fault in ("InternalErrorException", "ForbiddenException", "canary-fault-7f3a"):
        house.call("GetUser", {"AccessToken": access}, x_cenote_fault=fault)
    for body in (
        b'{"AccessToken":"canary-half-7f3a',
        b'{"AccessToken":"canary 7f3a"}',
        b'"canary-text-7f3a"',
    ):
        house.call("GetUser", body)
    house.call("DescribeUserPool", {"UserPoolId": "canary pool 7f3a"}, Authorization="canary-signature-7f3a")
    house.http(
        "POST", "/canary-path-7f3a?canary-query-7f3a=1", b"canary-body-7f3a", {"canary-header-7f3a": "x"}
    )
    house.http("GET", f"/_cenote/inbox?to={mail}")
    house.http("GET", "/canary-pool-7f3a/.well-known/jwks.json")
    house.http("POST", "/_cenote/clock", b'{"canary-7f3a":1}')
    cognito.delete_user(AccessToken=access)
    error_of(cognito.delete_user, AccessToken=access)
    return [name, mail, nick, password, wrong, code, access, tokens["IdToken"], tokens["RefreshToken"]]


def test_nothing_of_a_persons_is_in_the_log_after_a_whole_life(own_house: House):
    own_house.start()
    words = life(Tenant(own_house, pool={"PoolName": "canary-pool-7f3a"}))
    own_house.stop()
    told = own_house.log.read_text(encoding="utf-8")
    assert told.count('"event":"call"') > 20
    assert "anary" not in told
    assert "7f3a" not in told
    for word in words:
        assert word not in told
    for token in (word for word in words if word.count(".") >= 2):
        assert not any(part in told for part in token.split(".") if len(part) > 20)


def test_a_fault_of_our_own_is_logged_by_its_place_and_kind_alone(tmp_path: Path):
    def boom(_services: Any, request: Any) -> None:
        raise KeyError(request["AccessToken"])

    engine, counts = open_sqlite(tmp_path), Counting()
    orders = Orders(engine.store)
    admission = Admission(None, orders, None, visits=counts, requests=counts)  # type: ignore[arg-type]
    protocol = Protocol(MODEL, None, AnyCredentials(), admission, {"GetUser": boom})  # type: ignore[arg-type]
    head = Head("", lambda _name: None, "127.0.0.1")
    call = Call("id", TARGET_PREFIX + "GetUser", CONTENT_TYPE, head, b'{"AccessToken":"canary"}')
    with caught_lines() as logged:
        reply = protocol.answer(call)
        alarmed = replace(protocol, operations={"GetUser": alarm}).answer(call)
    orders.close()
    engine.close()
    assert (reply.status, alarmed.status) == (500, 500)
    assert reply.body == b'{"__type":"InternalErrorException","message":"Something went wrong"}'
    fault, told = logged
    assert fault.pop("at").endswith(" boom")
    assert fault == {"event": "fault", "log_level": "error", "operation": "GetUser", "kind": "KeyError"}
    assert told["alarm"] == "The disk is full."
    assert "canary" not in json.dumps(logged)


def alarm(_services: Any, _request: Any) -> None:
    raise errors.CenoteError("The disk is full.")
