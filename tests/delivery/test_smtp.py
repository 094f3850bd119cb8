"""E-mails by SMTP, against a real relay: what is handed over, and what never is."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cenote.delivery import smtp
from cenote.delivery.messages import verification_words
from cenote.delivery.sending import NotTakenError
from cenote.delivery.smtp import Relay, SmtpSender
from cenote.domain.registrations import Message
from cenote.errors import CenoteError
from tests.delivery.relay import PASSWORD, SENDER, USER, running_relay
from tests.delivery.relay import Relay as RunningRelay
from tests.house import free_port

NOW_MS = 1_800_000_000_000
ANN = "ann@example.com"


def message(**changes: object) -> Message:
    values: dict[str, object] = {
        "message_id": "0a1b",
        "sub": "sub",
        "pool_id": "pool",
        "medium": "EMAIL",
        "to": ANN,
        "subject": "Your verification code",
        "body": "Your verification code is 123456. ",
        "code": "123456",
        "created_ms": NOW_MS,
    }
    return Message(**values | changes)  # type: ignore[arg-type]


def sender_to(relay: RunningRelay, **login: str) -> SmtpSender:
    return SmtpSender(Relay.of_url(relay.url(**login)), SENDER)


def not_taken(sender: SmtpSender, **changes: object) -> NotTakenError:
    with pytest.raises(NotTakenError) as refused:
        sender.send(message(**changes))
    assert ANN not in refused.value.detail
    assert "123456" not in refused.value.detail
    return refused.value


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[RunningRelay]:
    """A relay with STARTTLS and a password."""
    with running_relay(tmp_path) as running:
        yield running


# What is handed over.


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
def test_a_message_is_handed_over_in_private_by_who_the_relay_knows(tmp_path: Path, tls: str) -> None:
    with running_relay(tmp_path, tls) as relay:
        sender_to(relay).send(message())
    assert relay.envelopes == [(SENDER, [ANN])]
    (mail,) = relay.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, ANN, "Your verification code")
    assert mail["Message-ID"] == "<0a1b@example.com>"
    assert mail["Date"] == "Fri, 15 Jan 2027 08:00:00 -0000"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().strip() == "Your verification code is 123456."


def test_a_sender_may_have_a_name_and_any_letters_arrive(relay: RunningRelay) -> None:
    sender = SmtpSender(Relay.of_url(relay.url()), "Zoë <no-reply@example.com>")
    sender.send(message(subject="Grüße, 漢字", body="Häßlich: 123456\n" + "ü" * 2_000))
    (mail,) = relay.mails
    assert relay.envelopes[0][0] == SENDER
    assert (mail["From"], mail["Subject"]) == ("Zoë <no-reply@example.com>", "Grüße, 漢字")
    assert mail.get_content().splitlines() == ["Häßlich: 123456", "ü" * 2_000]
    assert mail["Content-Transfer-Encoding"] in ("base64", "quoted-printable")


def test_a_template_with_tags_is_sent_as_html_and_as_text(relay: RunningRelay) -> None:
    pool = {"VerificationMessageTemplate": {"EmailMessage": "<p>Dear {username}, <b>{####}</b></p>"}}
    words = verification_words(pool, medium="EMAIL", code="123456", username="<a/href=//evil>&co")
    sender_to(relay).send(message(body=words.body, is_html=words.is_html))
    (mail,) = relay.mails
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert html.get_content().strip() == "<p>Dear &lt;a/href=//evil&gt;&amp;co, <b>123456</b></p>"
    assert text.get_content().split() == ["Dear", "<a/href=//evil>&co,", "123456"]


def test_a_value_that_looks_like_a_tag_makes_no_html_of_a_text(relay: RunningRelay) -> None:
    words = verification_words({}, medium="EMAIL", code="1<b>2", username="ann")
    sender_to(relay).send(message(body=words.body, is_html=words.is_html))
    assert relay.mails[0].get_content_type() == "text/plain"
    assert relay.mails[0].get_content().strip() == "Your verification code is 1<b>2."


# What is not taken.


@pytest.mark.parametrize(
    "step, answer, is_final",
    [
        ("RCPT", "550 No such mailbox", True),
        ("RCPT", "450 Mailbox busy", False),
        ("DATA", "554 We don't like it", True),
        ("DATA", "451 Not now", False),
    ],
)
def test_what_a_relay_refuses_for_good_is_told_from_what_it_may_take_later(
    relay: RunningRelay, step: str, answer: str, is_final: bool
) -> None:
    relay.refusals[step] = [answer]
    refusal = not_taken(sender_to(relay))
    assert refusal.is_final == is_final
    assert answer[:3] in refusal.detail
    assert answer[4:] not in refusal.detail
    sender_to(relay).send(message())
    assert len(relay.mails) == 1


def test_a_relay_that_does_not_know_us_is_an_operator_s_matter_and_not_the_message_s(
    relay: RunningRelay,
) -> None:
    refusal = not_taken(sender_to(relay, login="cenote:wrong"))
    assert (refusal.detail, refusal.is_final) == ("SMTPAuthenticationError [535]", False)
    assert relay.mails == []


def test_a_relay_that_offers_no_tls_gets_nothing(tmp_path: Path) -> None:
    with running_relay(tmp_path, "none") as relay:
        url = f"smtp://cenote:secret@127.0.0.1:{relay.port}"
        refusal = not_taken(SmtpSender(Relay.of_url(url), SENDER))
    assert (refusal.detail, refusal.is_final) == ("SMTPNotSupportedError", False)
    assert relay.mails == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_relay_whose_certificate_nobody_vouches_for_gets_nothing(tmp_path: Path, tls: str) -> None:
    with running_relay(tmp_path, tls) as relay:
        url = relay.url().partition("ca=")[0].rstrip("?&")
        refusal = not_taken(SmtpSender(Relay.of_url(url), SENDER))
    assert (refusal.detail, refusal.is_final) == ("SSLCertVerificationError", False)
    assert relay.mails == []


def test_a_certificate_for_somebody_else_is_no_certificate(relay: RunningRelay) -> None:
    url = relay.url().replace("127.0.0.1", "localhost")
    assert not_taken(SmtpSender(Relay.of_url(url), SENDER)).detail == "SSLCertVerificationError"


def test_nobody_there_and_nobody_answering_are_both_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "STEP_WAIT_S_MAX", 0.2)
    nobody = SmtpSender(Relay.of_url(f"smtp://127.0.0.1:{free_port()}"), SENDER)
    assert not_taken(nobody).detail == "ConnectionRefusedError"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = SmtpSender(Relay.of_url(f"smtp://127.0.0.1:{silent.getsockname()[1]}"), SENDER)
        assert not_taken(sender).detail == "SMTPServerDisconnected"


def test_a_relay_that_hangs_up_after_it_has_taken_a_message_has_taken_it() -> None:
    with scripted(b"250 taken\r\n") as port:
        SmtpSender(Relay.of_url(f"smtp://127.0.0.1:{port}?tls=none"), SENDER).send(message())


def test_a_relay_that_hangs_up_before_has_not() -> None:
    with scripted(b"") as port:
        sender = SmtpSender(Relay.of_url(f"smtp://127.0.0.1:{port}?tls=none"), SENDER)
        assert not not_taken(sender).is_final


def test_an_address_that_no_mail_can_have_is_final_and_reaches_no_relay(relay: RunningRelay) -> None:
    for to in ("ann@example.com\nBcc: eve@example.com", "ann"):
        with pytest.raises(NotTakenError) as refused:
            sender_to(relay).send(message(to=to))
        assert relay.mails == [], refused.value
    assert relay.envelopes == []


def scripted(end: bytes) -> "Scripted":
    return Scripted(end)


class Scripted:
    """A relay that follows its lines, says this after the message, and hangs up."""

    LINES = (b"220 hello\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")

    def __init__(self, end: bytes) -> None:
        self._end = end
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> int:
        self._thread.start()
        port: int = self._server.getsockname()[1]
        return port

    def __exit__(self, *_failure: object) -> None:
        self._thread.join()
        self._server.close()

    def _follow(self) -> None:
        connection, _address = self._server.accept()
        with connection, connection.makefile("rb") as heard:
            connection.sendall(self.LINES[0])
            for line in self.LINES[1:]:
                heard.readline()
                connection.sendall(line)
            while heard.readline() != b".\r\n":
                pass
            connection.sendall(self._end)


# The URL.


@pytest.mark.parametrize(
    "url, host, port, tls, user, password",
    [
        ("smtp://relay", "relay", 587, "starttls", None, None),
        ("smtp://relay/?tls=starttls", "relay", 587, "starttls", None, None),
        ("smtp://relay?tls=none", "relay", 25, "none", None, None),
        ("smtps://u:p@relay", "relay", 465, "implicit", "u", "p"),
        ("smtp://u:p@127.0.0.1:2525?tls=none", "127.0.0.1", 2525, "none", "u", "p"),
        ("smtp://u:p@[::1]:2525?tls=none", "::1", 2525, "none", "u", "p"),
        (
            "smtp://cenote%40relay:p%40ss%2Fword%25@relay:1",
            "relay",
            1,
            "starttls",
            USER,
            PASSWORD,
        ),
    ],
)
def test_a_url_says_where_and_how(url, host, port, tls, user, password) -> None:
    relay = Relay.of_url(url)
    assert (relay.host, relay.port, relay.tls) == (host, port, tls)
    assert (relay.user, relay.password) == (user, password)
    assert "p@ss" not in repr(relay)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://",
        "smtp://secret@",
        "smtp://relay:port",
        "smtp://relay:99999",
        "smtp://relay/inbox",
        "smtp://relay?tls=maybe",
        "smtp://relay?tls",
        "smtp://relay?starttls=1",
        "smtps://relay?tls=none",
        "smtp://:secret@relay",
        "smtp://u:secret@relay?tls=none",
        "smtp://u:secret@relay#x",
        "http://u:secret@relay",
    ],
)
def test_a_url_that_says_neither_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(CenoteError, match=r"^smtp_url ") as refused:
        Relay.of_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SmtpSender(Relay.of_url("smtp://relay"), "nobody"),
        lambda: SmtpSender(Relay.of_url("smtp://relay"), "a b@example.com, c@example.com"),
        lambda: SmtpSender(Relay.of_url("smtp://relay?ca=/nowhere/ca.pem"), SENDER),
    ],
)
def test_a_sender_that_can_be_none_is_refused_at_the_start(make: Callable[[], SmtpSender]) -> None:
    with pytest.raises(CenoteError):
        make()
