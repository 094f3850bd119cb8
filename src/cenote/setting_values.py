"""
What a setting may be: from a flag, a variable or a line of the file to a value, or the reason why it is none.

Each reader takes a value of any source and raises a ValueError that goes on after "NAME (from SOURCE) ".
Owns no setting: those stand in `settings.py`.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

PORT_MAX = 65_535
RATE_MAX = 1_000_000
SHOWN_CHARACTERS_MAX = 60

_YES, _NO = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?![0-9.]+$){_LABEL}(\.{_LABEL})*")
_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")


def yes_or_no(value: object) -> bool:
    """True or false, in one of the usual words."""
    word = str(value).lower()
    if word not in _YES | _NO:
        raise ValueError(f"must be true or false, not {shown(value)}")
    return word in _YES


def whole(low: int, high: int) -> Callable[[object], int]:
    """A whole number within these bounds."""

    def read(value: object) -> int:
        digits = str(value)
        is_number = not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,9}", digits) is not None
        if not is_number or not low <= int(digits) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {shown(value)}")
        return int(digits)

    return read


def text(value: object) -> str:
    """A line of text; what it was instead is not told, for it may be a secret."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be a line of text")
    return value


def host(value: object) -> str:
    """An address or the name of a host."""
    name = value if isinstance(value, str) else ""
    if not (address(name) or _HOST_NAME.fullmatch(name)):
        raise ValueError(f"must be an address or a host name without scheme or port, not {shown(value)}")
    return name


def path(value: object) -> Path:
    """The path of a file or folder, there or not."""
    name = os.fspath(value) if isinstance(value, str | Path) else ""
    try:
        if name.strip() and name.isprintable():
            return Path(name).expanduser()
    except RuntimeError:  # the home of a user whom this machine does not know
        pass
    raise ValueError(f"must be the path of a file or folder, not {shown(value)}")


def pattern(expression: str, accepted: str) -> Callable[[object], str]:
    """A text of this form, which is called what is `accepted`."""

    def read(value: object) -> str:
        if not re.fullmatch(expression, str(value)):
            raise ValueError(f"must be {accepted}, not {shown(value)}")
        return str(value)

    return read


def url(value: object) -> str:
    """The URL of a server: scheme, host, and a port if need be."""
    found = _ORIGIN.fullmatch(str(value))
    name, port = found.groups(default="443") if found else ("", "0")
    if not (_HOST_NAME.fullmatch(name) or address(name.strip("[]"))) or not 0 < int(port) <= PORT_MAX:
        raise ValueError(
            "must be an http or https URL of a host and, if need be, a port, and nothing before or after"
        )
    return str(value)


def issuer(value: object) -> Literal["cenote", "aws"]:
    """Whose form of an issuer tokens have."""
    if value not in ("cenote", "aws"):  # no set: what a file holds may have no hash
        raise ValueError(f"must be cenote or aws, not {shown(value)}")
    return value


def quotas(value: object) -> Literal["off", "aws"]:
    """Whose quotas are kept."""
    if value not in ("off", "aws"):
        raise ValueError(f"must be off or aws, not {shown(value)}")
    return value


def rates(value: object) -> tuple[tuple[str, int], ...]:
    """Numbers by name: a table in the file, `NAME=NUMBER,NAME=NUMBER` elsewhere."""
    pairs = value.items() if isinstance(value, Mapping) else map(_pair, _listed(value))
    read = whole(0, RATE_MAX)
    return tuple((str(name), read(number)) for name, number in pairs)


def networks(value: object) -> tuple[str, ...]:
    """Addresses and networks: a list in the file, with commas between them elsewhere."""
    names = _listed(value)
    for name in names:
        try:
            ipaddress.ip_network(name)
        except ValueError as wrong:
            raise ValueError(f"must be addresses or networks such as 10.0.0.0/8 ({wrong})") from wrong
    return tuple(names)


def quota_store_url(value: object) -> str:
    """The URL of a Redis, told to nobody: it may hold a password."""
    if not str(value).startswith(("redis://", "rediss://", "redis+unix://")):
        raise ValueError("must be a redis:// or rediss:// URL, or left out to count in each process")
    return str(value)


def database_url(value: object) -> str:
    """The URL of a PostgreSQL database, told to nobody: it may hold a password."""
    if not str(value).startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a postgresql:// URL, or left out for the embedded database")
    return str(value)


def smtp_url(value: object) -> str:
    """The URL of a relay, told to nobody: it may hold a password."""
    if not str(value).startswith(("smtp://", "smtps://")):
        raise ValueError("must be a URL like smtp://user:password@host:587?tls=starttls or smtps://...")
    return str(value)


def address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a text is, if it is one."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def shown(value: object) -> str:
    """A refused value as far as a sentence has room for it."""
    whole_text = repr(value)
    if len(whole_text) <= SHOWN_CHARACTERS_MAX:
        return whole_text
    return whole_text[:SHOWN_CHARACTERS_MAX] + "…"


def _listed(value: object) -> list[str]:
    """The entries of a list, or of a line with commas."""
    return [str(one).strip() for one in (value if isinstance(value, list | tuple) else str(value).split(","))]


def _pair(text: str) -> tuple[str, str]:
    name, equals, number = (piece.strip() for piece in text.partition("="))
    if not (name and equals):
        raise ValueError(f"must be like UserUpdate=100,UserRead=500, not {shown(text)}")
    return name, number
