"""
The sender that hands e-mails to a relay by SMTP, over TLS.

Owns the relay's URL and what an e-mail is made of.  TLS is asked for unless the URL says otherwise, and is
then a condition: no message and no password goes out in clear because a relay, or somebody in between, does
not offer it.
"""

import contextlib
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cenote.delivery.messages import text_of_html
from cenote.delivery.sending import NotTakenError
from cenote.domain.registrations import Message
from cenote.errors import CenoteError

STEP_WAIT_S_MAX = 8.0  # for each step of the conversation; there are about a dozen
PORTS: Final = {"starttls": 587, "implicit": 465, "none": 25}
REFUSED_FOR_GOOD: Final = range(500, 600)
_KNOWN: Final = {"tls", "ca"}
_SEVEN_BIT: Final = SMTP.clone(cte_type="7bit")  # not every relay takes more
_FROM = re.compile(r"[^\s@]+@[^\s@]+")
_FORM = "smtp://user:password@host:587?tls=starttls or smtps://user:password@host:465"


@dataclass(frozen=True, slots=True)
class Relay:
    """Where e-mails are handed over, and how."""

    host: str
    port: int
    tls: str  # "starttls", "implicit" or "none"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None

    @classmethod
    def of_url(cls, url: str) -> "Relay":
        """The relay that a URL names; `CenoteError`, which shows nothing of it, for one that names none."""
        try:
            parts = urlsplit(url)
            port, options = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        except ValueError as wrong:
            raise CenoteError(f"smtp_url must be a URL like {_FORM}.") from wrong
        tls = "implicit" if parts.scheme == "smtps" else options.get("tls", "starttls")
        if not _is_understood(parts, options) or tls not in PORTS:
            raise CenoteError(f"smtp_url must be a URL like {_FORM}.")
        host = parts.hostname or ""
        if tls == "none" and parts.password is not None and not _is_loopback(host):
            raise CenoteError("smtp_url must have TLS beside a password, which would go out in clear.")
        return cls(
            host=host,
            port=port or PORTS[tls],
            tls=tls,
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            ca=Path(options["ca"]) if "ca" in options else None,
        )


class SmtpSender:
    """Hands each e-mail over in a conversation of its own."""

    media: Final = frozenset({"EMAIL"})

    def __init__(self, relay: Relay, sender: str) -> None:
        """A `CenoteError` for a sender's address or a certificate file that is none."""
        self._relay = relay
        self._sender = sender
        self._address = parseaddr(sender)[1]
        if not _FROM.fullmatch(self._address):
            raise CenoteError("smtp_from must be an address like no-reply@example.com or Name <address>.")
        try:
            self._tls = ssl.create_default_context(cafile=relay.ca)
        except (OSError, ssl.SSLError) as wrong:
            raise CenoteError(f"The ca of smtp_url, {relay.ca}, must be a file of certificates.") from wrong

    def send(self, message: Message) -> None:
        """Hand the message to the relay; what the relay says after it has taken it changes nothing."""
        try:
            mail = mail_of(message, self._sender, self._address.partition("@")[2])
        except (ValueError, MessageError) as failure:
            raise NotTakenError(f"no e-mail: {type(failure).__name__}", is_final=True) from failure
        try:
            relay = self._connected()
            try:
                relay.send_message(mail, self._address, [message.to])
            finally:
                _part(relay)
        except smtplib.SMTPRecipientsRefused as failure:
            codes = [code for code, _text in failure.recipients.values()]
            raise NotTakenError(f"recipient refused {codes}", is_final=_is_final(*codes)) from failure
        except smtplib.SMTPDataError as failure:
            code = failure.smtp_code
            raise NotTakenError(f"message refused [{code}]", is_final=_is_final(code)) from failure
        except smtplib.SMTPResponseException as failure:
            # The relay's opinion of us, not of this message: an operator can mend it.
            raise NotTakenError(f"{type(failure).__name__} [{failure.smtp_code}]") from failure
        except (smtplib.SMTPException, OSError, ValueError) as failure:
            raise NotTakenError(type(failure).__name__) from failure

    def _connected(self) -> smtplib.SMTP:
        """A conversation that is private, and in which the relay knows us, as far as the URL says."""
        to, us = self._relay, self._address.partition("@")[2]
        if to.tls == "implicit":
            relay: smtplib.SMTP = smtplib.SMTP_SSL(
                to.host, to.port, local_hostname=us, timeout=STEP_WAIT_S_MAX, context=self._tls
            )
        else:
            relay = smtplib.SMTP(to.host, to.port, local_hostname=us, timeout=STEP_WAIT_S_MAX)
        try:
            if to.tls == "starttls":
                relay.starttls(context=self._tls)
            if to.user is not None:
                relay.login(to.user, to.password or "")
        except BaseException:
            relay.close()
            raise
        return relay


def mail_of(message: Message, sender: str, domain: str) -> EmailMessage:
    """
    The e-mail of a message.  One that is sent twice has one Message-ID, by which a mailbox may know it.
    """
    mail = EmailMessage(policy=_SEVEN_BIT)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = formatdate(message.created_ms / 1000)
    mail["Message-ID"] = f"<{message.message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.is_html:
        mail.set_content(text_of_html(message.body))
        mail.add_alternative(message.body, subtype="html")
    else:
        mail.set_content(message.body)
    return mail


def _part(relay: smtplib.SMTP) -> None:
    """Say goodbye, and don't mind how it is taken: the message is where it is."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        relay.quit()
    relay.close()


def _is_final(*codes: int) -> bool:
    return all(code in REFUSED_FOR_GOOD for code in codes)


def _is_understood(parts: SplitResult, options: dict[str, str]) -> bool:
    is_bare = parts.path in ("", "/") and not parts.fragment and options.keys() <= _KNOWN
    is_secured_once = parts.scheme == "smtp" or "tls" not in options
    has_user = bool(parts.username) or (parts.username is None and parts.password is None)
    names_a_relay = bool(parts.hostname) and parts.scheme in ("smtp", "smtps")
    return is_bare and is_secured_once and has_user and names_a_relay


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
