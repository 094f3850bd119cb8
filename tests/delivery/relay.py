"""A real SMTP server for tests, with a certificate of its own, and with STARTTLS a user with a password."""

import datetime as dt
import ipaddress
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.house import free_port

USER, PASSWORD = "cenote@relay", "p@ss/word%"
QUOTED = "cenote%40relay:p%40ss%2Fword%25"
SENDER = "no-reply@example.com"


@dataclass
class Relay:
    """What the server has taken, and what it is to answer instead of taking the next ones."""

    port: int
    ca: Path
    tls: str
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=lambda: {"RCPT": [], "DATA": []})

    def url(self, *, login: str = QUOTED) -> str:
        """The URL by which a server hands mails over here."""
        scheme, option = ("smtps", "") if self.tls == "implicit" else ("smtp", f"tls={self.tls}&")
        who = f"{login}@" if self.tls == "starttls" else ""
        return f"{scheme}://{who}127.0.0.1:{self.port}?{option}ca={self.ca}"

    def wait_for(self, count: int, seconds: float = 20) -> list[EmailMessage]:
        """The mails, once there are so many."""
        until = time.monotonic() + seconds
        while len(self.mails) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.mails) >= count, self.mails
        return self.mails

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refusals["RCPT"]:
            return self.refusals["RCPT"].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the same
        if self.refusals["DATA"]:
            return self.refusals["DATA"].pop(0)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@contextmanager
def running_relay(folder: Path, tls: str = "starttls", port: int | None = None) -> Iterator[Relay]:
    """A relay that takes mails: with STARTTLS from our user alone."""
    ca, key = certificate(folder)
    relay = Relay(port or free_port(), ca, tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    private = {"require_starttls": True, "authenticator": _known, "auth_required": True}
    options: dict[str, dict[str, Any]] = {
        "starttls": {"tls_context": context, **private},
        "implicit": {"ssl_context": context},  # aiosmtpd takes no password there
        "none": {},
    }
    controller = Controller(relay, hostname="127.0.0.1", port=relay.port, **options[tls])
    controller.start()
    try:
        yield relay
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[Path, Path]:
    """The files of a certificate for 127.0.0.1 that nobody has signed but itself, and of its key."""
    ca, key_file = folder / "relay.pem", folder / "relay.key"
    if ca.exists():
        return ca, key_file
    folder.mkdir(parents=True, exist_ok=True)
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return ca, key_file


def _known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    is_ours = isinstance(given, LoginPassword) and (given.login, given.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=is_ours, handled=is_ours)
