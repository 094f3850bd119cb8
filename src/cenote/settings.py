"""
Every setting of the server, once: its name, type, default, and the sentence that explains it.

Owns where a value may come from (a flag beats the environment beats `cenote.toml` beats the default), and
the page `docs/settings.md`.  Leaves out what a value may be (`setting_values.py`) and what a setting does:
whoever uses it owns that.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from cenote import setting_values as values
from cenote.errors import CenoteError

FILE_NAME = "cenote.toml"
PREFIX = "CENOTE_"
THREADS_MAX = 512
WORKERS_MAX = 64

_DERIVED = Path()  # a default that follows from `data`
_T = TypeVar("_T")


def _setting(
    sentence: str, read: Callable[[object], _T], *, default: _T, shown: str = "", secret: bool = False
) -> _T:
    """Declare a setting; `shown` is the default in words where its value says too little."""
    notes = {"read": read, "sentence": sentence, "shown": shown}
    return field(default=default, repr=not secret, metadata=notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided.  Paths that were not given stand beside `data`, and are named after it."""

    dev: bool = _setting(
        "Development: any admin credentials are accepted, and the inbox, clock and fault doors are open; on "
        "a loopback host only.",
        values.yes_or_no,
        default=False,
    )
    host: str = _setting(
        "The address or host name on which the server listens.", values.host, default="127.0.0.1"
    )
    port: int = _setting("The port; 0 takes any free one.", values.whole(0, values.PORT_MAX), default=9229)
    data: Path = _setting("The folder of the embedded database.", values.path, default=Path(".cenote/data"))
    keys: Path = _setting(
        "The folder of the key slots. Keep it out of every backup of the data: what opens a user must be "
        "able to be destroyed.",
        values.path,
        default=_DERIVED,
        shown="beside `data`, its name followed by `-keys`",
    )
    keys_mirror: Path | None = _setting(
        "A second folder, on another disk, that gets each slot and each erasure as well.",
        values.path,
        default=None,
    )
    master_key_file: Path = _setting(
        "The file of the master key, readable by its owner alone; made at the first start.",
        values.path,
        default=_DERIVED,
        shown="beside `data`, its name followed by `-master.key`",
    )
    master_key: str | None = _setting(
        "The master key itself: 32 bytes as 64 hex digits or as base64. It beats the command and the file.",
        values.text,
        default=None,
        secret=True,
    )
    master_key_command: str | None = _setting(
        "A command that prints the master key, so that any key service can keep it. It beats the file.",
        values.text,
        default=None,
    )
    database_url: str | None = _setting(
        "A PostgreSQL database in place of the embedded one, as a URL of libpq; it may name several hosts.",
        values.database_url,
        default=None,
        secret=True,
    )
    region: str = _setting(
        "The one region of this server; the ids of its pools begin with it.",
        values.pattern(r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region such as us-east-1"),
        default="us-east-1",
    )
    account: str = _setting(
        "The account number in every ARN.",
        values.pattern(r"[0-9]{12}", "an account number of 12 digits"),
        default="123456789012",
    )
    public_url: str | None = _setting(
        "The URL under which clients reach this server; the issuers of tokens begin with it.",
        values.url,
        default=None,
        shown="the URL on which the server listens",
    )
    issuer: Literal["cenote", "aws"] = _setting(
        "What tokens name as their issuer: `cenote` writes `public_url` and the pool, `aws` what AWS writes.",
        values.issuer,
        default="cenote",
    )
    threads: int = _setting(
        "How many requests are under way at the same time; the others wait.",
        values.whole(1, THREADS_MAX),
        default=64,
    )
    workers: int = _setting(
        "How many processes serve; more than one only on PostgreSQL, and never in development.",
        values.whole(1, WORKERS_MAX),
        default=1,
    )
    smtp_url: str | None = _setting(
        "The relay to which e-mails are handed, such as `smtp://user:password@host:587?tls=starttls` or "
        "`smtps://user:password@host:465`; `ca=FILE` names certificates of one's own. TLS is demanded unless "
        "the URL says `tls=none`. Without a relay messages wait for a day and are forgotten.",
        values.smtp_url,
        default=None,
        secret=True,
    )
    smtp_from: str | None = _setting(
        "The sender of e-mails, an address or `Name <address>`; needed beside `smtp_url`.",
        values.text,
        default=None,
    )
    console_messages: bool = _setting(
        "Print each message on stderr, its code included, in place of sending it: for trying things out.",
        values.yes_or_no,
        default=False,
    )
    quotas: Literal["off", "aws"] = _setting(
        "Limits on requests a second: `aws` keeps the published ones, for each pool by itself "
        "(`docs/guides/quotas-and-rules.md`).",
        values.quotas,
        default="off",
    )
    quota_overrides: tuple[tuple[str, int], ...] = _setting(
        "Quotas that are to be other than those that AWS publishes, as `UserUpdate=100,UserRead=500` or as a "
        "table in the file; `account:UserUpdate=500` holds all pools together. 0 lets nothing in.",
        values.rates,
        default=(),
        shown="none",
    )
    quota_store_url: str | None = _setting(
        "A Redis in which several processes and nodes count together, as `redis://host:6379/0`; without it "
        "each process counts for itself.",
        values.quota_store_url,
        default=None,
        secret=True,
    )
    trusted_proxies: tuple[str, ...] = _setting(
        "Addresses and networks of the proxies whose `X-Forwarded-For` is believed, with commas between them "
        "or as a list in the file. Nobody else's is.",
        values.networks,
        default=(),
        shown="none",
    )
    read_only: bool = _setting(
        "Refuse every operation that changes a pool, its users or its clients, as a secondary replica does; "
        "reading and signing in go on.",
        values.yes_or_no,
        default=False,
    )

    def __post_init__(self) -> None:
        """Derive the paths that were not given, and refuse development where others can reach it."""
        if not self.data.name:
            raise CenoteError(f"data must be a folder with a name of its own, not {self.data}.")
        for name, ending in (("keys", "-keys"), ("master_key_file", "-master.key")):
            if getattr(self, name) is _DERIVED:
                object.__setattr__(self, name, self.data.with_name(self.data.name + ending))
        if self.workers > 1 and (self.database_url is None or self.dev):
            raise CenoteError("workers must be 1 on the embedded database and in development.")
        if self.smtp_url is not None and (self.smtp_from is None or self.console_messages):
            raise CenoteError("smtp_url needs smtp_from beside it, and console_messages off.")
        if self.quota_overrides and self.quotas == "off":
            raise CenoteError("quota_overrides needs quotas aws beside it.")
        if self.dev:
            _require_loopback(self.host)

    @property
    def listening_url(self) -> str:
        """The URL of the listener, as far as its host names one."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class _Given(NamedTuple):
    value: object
    source: str


def load(flags: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> Settings:
    """
    The settings of one start; the first wrong one is refused in a sentence that says where it came from.

    A flag that is None and a variable that is empty count as not given.  Relative paths, the defaults among
    them, start at `folder`.
    """
    given = {**_from_file(folder / FILE_NAME), **_from_variables(environ), **_from_flags(flags)}
    return _decided(given, folder)


def of_arguments(arguments: Mapping[str, object], folder: Path) -> Settings:
    """
    The settings of a server inside another program: its arguments alone, and neither variables nor a file.

    As in `load`, None counts as not given, relative paths start at `folder`, and the first wrong one is
    refused in a sentence.
    """
    given = {_field(name).name: _Given(value, "an argument") for name, value in arguments.items()}
    return _decided({name: one for name, one in given.items() if one.value is not None}, folder)


def _decided(given: Mapping[str, _Given], folder: Path) -> Settings:
    decided: dict[str, Any] = {"data": Settings().data}
    decided |= {one.name: _read(one, given[one.name]) for one in fields(Settings) if one.name in given}
    for name, value in decided.items():
        if isinstance(value, Path):  # not resolve(): a link is the operator's own way of naming a place
            decided[name] = Path(os.path.abspath(folder / value))  # noqa: PTH100
    if decided.get("dev"):
        _require_loopback(decided.get("host", Settings().host), _where(given, "dev"), _where(given, "host"))
    settings = Settings(**decided)
    _keep_keys_apart(settings, given)
    return settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on this host, or be a caller from it."""
    address = values.address(host)
    inner = getattr(address, "ipv4_mapped", None) or address  # ::ffff:127.0.0.1 is 127.0.0.1
    return host == "localhost" or (inner is not None and inner.is_loopback)


def explain(name: str) -> str:
    """The sentence that explains a setting: the command line shows it as the help of the flag."""
    return str(_field(name).metadata["sentence"])


def settings_page() -> str:
    """The page `docs/settings.md`."""
    rows = [
        f"| `{one.name}` | {_flag_of(one.name)} | `{PREFIX}{one.name.upper()}` | {_default_of(one)} "
        f"| {one.metadata['sentence']} |"
        for one in fields(Settings)
    ]
    return "\n".join([_PAGE_HEAD, *rows, ""])


_PAGE_HEAD = f"""\
# Settings

<!-- Generated by `make docs` from src/cenote/settings.py. -->

Each setting may be a flag of `cenote serve`, an environment variable, or a line of `{FILE_NAME}` in the
folder where the server starts (`port = 9229`). A flag beats a variable, a variable beats the file, the file
beats the default. An empty variable counts as not given. Relative paths start at that folder. A wrong value,
or a name in the file that is not here, stops the start with one sentence. `master_key` is read from its
variable only: flags and files are seen by too many eyes.

| setting | flag | variable | default | what it says |
| --- | --- | --- | --- | --- |"""


def _from_file(file: Path) -> dict[str, _Given]:
    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as wrong:
        raise CenoteError(f"{file} must be a readable TOML file ({wrong}).") from wrong
    for name in found:
        if name not in _names():
            raise CenoteError(f"{name} (from {file}) is no setting; the settings are {', '.join(_names())}.")
    _refuse_open_secret(found, str(file))
    return {name: _Given(value, f"from {file}") for name, value in found.items()}


def _from_variables(environ: Mapping[str, str]) -> dict[str, _Given]:
    named = {name: PREFIX + name.upper() for name in _names()}
    return {
        name: _Given(environ[variable], f"from the variable {variable}")
        for name, variable in named.items()
        if environ.get(variable)
    }


def _from_flags(flags: Mapping[str, object]) -> dict[str, _Given]:
    _refuse_open_secret(flags, "a flag")
    return {
        _field(name).name: _Given(value, f"from the flag {_flag_of(name).strip('`')}")
        for name, value in flags.items()
        if value is not None
    }


def _refuse_open_secret(given: Mapping[str, object], source: str) -> None:
    if given.get("master_key") is not None:
        raise CenoteError(
            f"master_key (from {source}) is accepted from the variable {PREFIX}MASTER_KEY only, "
            "since flags and files are seen by too many eyes."
        )


def _read(one: "Field[Any]", given: _Given) -> object:
    try:
        return one.metadata["read"](given.value)
    except ValueError as wrong:
        raise CenoteError(f"{one.name} ({given.source}) {wrong}.") from wrong


def _where(given: Mapping[str, _Given], name: str) -> str:
    return f" ({given[name].source})" if name in given else ""


def _require_loopback(host: str, dev_source: str = "", host_source: str = "") -> None:
    if not is_loopback(host):
        raise CenoteError(
            f"dev{dev_source} must be off unless the host is 127.0.0.1, ::1, localhost or another loopback "
            f"address, and the host{host_source} is {values.shown(host)}."
        )


def _keep_keys_apart(settings: Settings, given: Mapping[str, _Given]) -> None:
    for name in ("keys", "keys_mirror", "master_key_file"):
        path: Path | None = getattr(settings, name)
        if path is not None and path.resolve().is_relative_to(settings.data.resolve()):
            raise CenoteError(
                f"{name}{_where(given, name)} must lie outside the data folder {settings.data}, since a copy "
                f"of the data would carry the keys, and it is {path}."
            )
    if settings.keys_mirror == settings.keys:
        source = _where(given, "keys_mirror")
        raise CenoteError(f"keys_mirror{source} must be another folder than keys; both are {settings.keys}.")


def _names() -> list[str]:
    return [one.name for one in fields(Settings)]


def _field(name: str) -> "Field[Any]":
    for one in fields(Settings):
        if one.name == name:
            return one
    raise CenoteError(f"{name} is no setting; the settings are {', '.join(_names())}.")


def _flag_of(name: str) -> str:
    return "none" if name == "master_key" else f"`--{name.replace('_', '-')}`"


def _default_of(one: "Field[Any]") -> str:
    if one.metadata["shown"]:
        return str(one.metadata["shown"])
    if one.default is None:
        return "none"
    return f"`{str(one.default).lower() if isinstance(one.default, bool) else one.default}`"
