"""Messages of a whole server: by mail through a real relay, on the console, and across kills."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.relay import PASSWORD, QUOTED, SENDER, Relay, running_relay
from tests.house import House, Tenant, free_port
from tests.nursery import QuickHouse
from tests.wire.steps import code_sent_to, pairs, sign_up

ANN = "ann@example.com"
PAUSE_S = 3_000


def mailing(tmp_path: Path, url: str) -> House:
    """A house that hands its mails to this relay."""
    return QuickHouse(tmp_path / "house", "--smtp-url", url, "--smtp-from", f"Cenote <{SENDER}>")


def figure(house: House, name: str) -> float:
    """A figure of /metrics."""
    _status, _headers, body = house.http("GET", "/metrics")
    (line,) = [one for one in body.decode().splitlines() if one.startswith(f"{name} ")]
    return float(line.split()[1])


def wait_until_nothing_waits(house: House) -> None:
    until = time.monotonic() + 20
    while figure(house, "cenote_messages_waiting"):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with running_relay(tmp_path / "relay") as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, relay: Relay) -> Iterator[House]:
    """A house with a relay, not yet started."""
    own = mailing(tmp_path, relay.url())
    own.root.mkdir()
    yield own
    own.stop()


def test_a_user_signs_up_and_confirms_with_the_code_that_came_by_mail(house: House, relay: Relay) -> None:
    tenant = Tenant(house.start())
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    (mail,) = relay.wait_for(1)
    assert (mail["From"], mail["To"]) == (f"Cenote <{SENDER}>", ANN)
    code = mail.get_content().split()[-1].rstrip(".")
    tenant.cognito.confirm_sign_up(ClientId=tenant.client_id, Username="ann", ConfirmationCode=code)
    wait_until_nothing_waits(house)
    assert code_sent_to(tenant, ANN) == code
    house.stop()
    assert len(relay.mails) == 1
    log = house.log.read_text()
    assert all(secret not in log for secret in (PASSWORD, QUOTED, ANN, code))


def test_a_promise_is_kept_after_a_kill(tmp_path: Path) -> None:
    port = free_port()
    down = f"smtp://127.0.0.1:{port}?tls=none"
    house = mailing(tmp_path, down)
    house.root.mkdir()
    tenant = Tenant(house.start())
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    code = code_sent_to(tenant, ANN)
    house.kill()
    with running_relay(tmp_path / "relay", "none", port) as relay:
        house.start()
        (mail,) = relay.wait_for(1)
        assert code in mail.get_content()
        wait_until_nothing_waits(house)
        house.stop()
    assert len(relay.mails) == 1


def test_who_dies_with_a_claimed_message_sends_it_after_the_next_start_once(
    house: House, relay: Relay
) -> None:
    tenant = Tenant(house.start())
    house.arm("message.claimed")
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    house.wait_for_death()
    assert relay.mails == []
    house.start()
    relay.wait_for(1)
    wait_until_nothing_waits(house)
    assert len(relay.mails) == 1


@pytest.mark.thorough
def test_who_dies_between_the_relay_s_word_and_its_own_note_sends_a_second_copy_under_one_id(
    house: House, relay: Relay
) -> None:
    tenant = Tenant(house.start())
    house.arm("message.sent")
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    house.wait_for_death()
    assert len(relay.mails) == 1
    house.start()
    first, second = relay.wait_for(2)
    assert first["Message-ID"] == second["Message-ID"]
    wait_until_nothing_waits(house)
    assert len(relay.mails) == 2


def test_whoever_deletes_themself_is_sent_nothing_more(house: House, relay: Relay) -> None:
    relay.refusals["RCPT"] = ["451 Not now"] * 2
    tenant = Tenant(house.start())
    tokens = tenant.user("ann", email=ANN)
    tenant.user("bea", email="bea@example.com")
    tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    until = time.monotonic() + 20
    while relay.refusals["RCPT"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    house.advance(PAUSE_S)
    (mail,) = relay.wait_for(1)
    wait_until_nothing_waits(house)
    assert [one["To"] for one in relay.mails] == ["bea@example.com"], mail
    assert house.inbox(to=ANN, wait=0) == []


def test_a_message_that_is_refused_for_good_is_an_alarm_and_a_figure(house: House, relay: Relay) -> None:
    relay.refusals["RCPT"] = ["550 No such mailbox"]
    tenant = Tenant(house.start())
    sign_up(tenant, UserAttributes=pairs(email=ANN))
    wait_until_nothing_waits(house)
    assert figure(house, "cenote_messages_given_up") == 1
    assert relay.mails == []
    log = house.log.read_text()
    assert '"message given up"' in log
    assert ANN not in log


def test_on_the_console_a_message_is_printed_with_its_code(tmp_path: Path) -> None:
    house = House(tmp_path, "--console-messages")
    try:
        tenant = Tenant(house.start())
        sign_up(tenant, UserAttributes=pairs(email=ANN))
        code = code_sent_to(tenant, ANN)
        wait_until_nothing_waits(house)
    finally:
        house.stop()
    printed = house.log.read_text()
    assert (
        f"--- EMAIL\nTo: {ANN}\nSubject: Your verification code\n\nYour verification code is {code}.\n---\n"
        in (printed)
    )


def test_with_nothing_configured_messages_wait(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        tenant = Tenant(house.start())
        sign_up(tenant, UserAttributes=pairs(email=ANN))
        assert code_sent_to(tenant, ANN)
        assert figure(house, "cenote_messages_waiting") == 1
    finally:
        house.stop()


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (("--smtp-url", "smtp://u:secret@relay/x", "--smtp-from", SENDER), "smtp_url must be a URL like"),
        (("--smtp-url", "smtp://u:secret@relay"), "smtp_url needs smtp_from beside it"),
        (
            ("--smtp-url", "relay:25:secret", "--smtp-from", SENDER),
            "smtp_url (from the flag --smtp-url) must",
        ),
        (("--smtp-url", "smtp://relay", "--smtp-from", "nobody"), "smtp_from must be an address"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence_that_tells_no_secret(
    tmp_path: Path, flags: tuple[str, ...], sentence: str
) -> None:
    said = House(tmp_path).refuses_to_start(*flags)
    assert said.startswith(sentence)
    assert "secret" not in said
