"""The messages and the time of a server in this process, in the hand of the program."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import cenote
from tests.delivery.relay import running_relay
from tests.embedded.steps import tenant_of
from tests.engines import WAIT_S_MAX
from tests.house import PASSWORD, Tenant, error_of

ANN, BOB = "ann@example.com", "bob@example.com"


def test_a_message_stands_in_the_inbox_when_the_call_returns(server: cenote.Server, tenant: Tenant):
    sub = tenant.sign_up("ann", confirmed=False, email=ANN)
    (message,) = server.inbox.messages(ANN)
    assert (message.to, message.sub, message.pool_id, message.medium) == (ANN, sub, tenant.pool_id, "EMAIL")
    assert message.code in message.body
    assert server.inbox.code_for(ANN) == message.code
    assert server.inbox.messages(BOB) == []


def test_the_newest_code_is_the_one_that_counts(server: cenote.Server, tenant: Tenant):
    ann = {"ClientId": tenant.client_id, "Username": "ann"}
    tenant.sign_up("ann", confirmed=False, email=ANN)
    server.clock.advance(1)
    tenant.cognito.resend_confirmation_code(**ann)
    newest, oldest = server.inbox.messages(ANN)
    assert newest.created_ms > oldest.created_ms
    assert server.inbox.code_for(ANN) == newest.code
    tenant.cognito.confirm_sign_up(**ann, ConfirmationCode=newest.code)


def test_who_got_nothing_has_no_code(server: cenote.Server):
    with pytest.raises(LookupError, match=r"^No message was sent to ann@example\.com\.$"):
        server.inbox.code_for(ANN)


def test_a_view_from_now_on_shows_nothing_of_before(server: cenote.Server, tenant: Tenant):
    tenant.sign_up("ann", confirmed=False, email=ANN)
    later = server.inbox.since_now()
    assert later.messages() == []
    tenant.sign_up("bob", confirmed=False, email=BOB)
    assert [message.to for message in later.messages()] == [BOB]
    assert later.since_now().messages() == []
    assert [message.to for message in server.inbox.messages()] == [BOB, ANN]


def test_a_message_that_another_thread_causes_can_be_waited_for(server: cenote.Server, tenant: Tenant):
    caller = threading.Thread(target=tenant.sign_up, args=("ann",), kwargs={"confirmed": False, "email": ANN})
    caller.start()
    message = server.inbox.wait(ANN, seconds=WAIT_S_MAX)
    caller.join()
    assert message == server.inbox.messages()[0]


def test_messages_that_a_relay_has_taken_can_still_be_read(tmp_path: Path):
    with (
        running_relay(tmp_path, tls="none") as relay,
        cenote.start(smtp_url=relay.url(), smtp_from="pool@example.com") as server,
    ):
        tenant_of(server).sign_up("ann", confirmed=False, email=ANN)
        relay.wait_for(1)
        until = time.monotonic() + WAIT_S_MAX
        while server._read(lambda tx: tx.outbox.count_waiting()) and time.monotonic() < until:
            time.sleep(0.01)
        assert server._read(lambda tx: tx.outbox.count_waiting()) == 0
        assert [message.to for message in server.inbox.messages()] == [ANN]


def test_the_clock_moves_what_runs_out_and_no_signature(server: cenote.Server, tenant: Tenant):
    token = tenant.user("ann")["AccessToken"]
    before = server.clock.now()
    assert server.clock.advance(timedelta(hours=1)) - before >= timedelta(hours=1)
    assert error_of(tenant.cognito.get_user, AccessToken=token)[:2] == (
        "NotAuthorizedException",
        "Access Token has expired",
    )
    assert tenant.cognito.list_users(UserPoolId=tenant.pool_id)["Users"][0]["Username"] == "ann"
    assert tenant.sign_in("ann")["AccessToken"]


def test_a_code_of_yesterday_has_run_out(server: cenote.Server, tenant: Tenant):
    ann = {"ClientId": tenant.client_id, "Username": "ann"}
    tenant.cognito.sign_up(**ann, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": ANN}])
    code = server.inbox.code_for(ANN)
    server.clock.advance(24 * 3600 + 1)
    refusal = error_of(tenant.cognito.confirm_sign_up, **ann, ConfirmationCode=code)
    assert refusal[0] == "ExpiredCodeException"


def test_the_clock_is_right_until_it_is_moved(server: cenote.Server):
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # it counts whole ones
    assert before <= server.clock.now() <= datetime.now(UTC)


@pytest.mark.parametrize("by", [-1, -0.001, float("nan"), float("inf"), timedelta(days=-1), 4e9])
def test_the_clock_is_never_set_back_nor_out_of_the_calendar(by: float | timedelta):
    with cenote.start() as server:
        with pytest.raises(cenote.CenoteError, match=r"^A clock is moved forward, by 0 to"):
            server.clock.advance(by)
        assert abs(server.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_moves_of_many_threads_add_up(server: cenote.Server):
    movers = [threading.Thread(target=server.clock.advance, args=(100,)) for _mover in range(16)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    moved = server.clock.now() - datetime.now(UTC)
    assert timedelta(seconds=1599) < moved < timedelta(seconds=1601)
