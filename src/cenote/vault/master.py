"""
The master key: read once at start from a file, the environment or a command, and never written anywhere else.

Owns where it comes from and what is derived from it.  Leaves out what it wraps (`keys.py`).
"""

import base64
import hashlib
import os
import shlex
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cenote.errors import CenoteError
from cenote.folders import make_folder
from cenote.vault.chunks import write_exclusively
from cenote.vault.sealing import KEY_BYTES, KEY_ID_BYTES, SUBJECT_BYTES, SealingKey, subject_bytes

COMMAND_TIMEOUT_S = 30
SERVER = "cenote server secrets"


@dataclass(frozen=True, slots=True, repr=False)
class Master:
    """The master key and its four-byte id, by which an envelope says which master closed it."""

    secret: bytes
    key_id: bytes

    @staticmethod
    def of(secret: bytes) -> "Master":
        """A master key from its 32 bytes."""
        return Master(secret, hashlib.sha256(b"cenote master key id" + secret).digest()[:KEY_ID_BYTES])

    @property
    def current(self) -> "Master":
        """The key that closes: one alone is its own house's (`masters.py`)."""
        return self

    def sought(self, key_id: bytes) -> "Master | None":
        """The key, if it is the one of this id."""
        return self if key_id == self.key_id else None

    def derive(self, purpose: bytes, salt: bytes = b"") -> bytes:
        """A 256-bit key for one purpose; whoever has it learns nothing of the master key (RFC 5869)."""
        return HKDF(hashes.SHA256(), KEY_BYTES, salt, purpose).derive(self.secret)

    def sealing_key(self, subject: str) -> SealingKey:
        """The key for secrets that must be recoverable: client secrets, access keys, the server's own."""
        name = subject_bytes(subject)[:SUBJECT_BYTES]
        return SealingKey(name, self.derive(b"cenote recoverable secret|" + name), self.key_id)

    def server_key(self) -> SealingKey:
        """The key that seals what belongs to the server as a whole."""
        return self.sealing_key(SERVER)


def load_master(*, text: str | None, command: str | None, file: Path, may_create: bool) -> Master:
    """
    The master key from the environment, else a command's output, else a file.

    A missing file is made only when there is no data yet: a fresh key beside old data would open nothing,
    and looking like success it would be worse than a refusal.
    """
    if text:
        return Master.of(_decoded(text, "the variable CENOTE_MASTER_KEY"))
    if command:
        return Master.of(_decoded(_output_of(command), "the output of master_key_command"))
    if not file.exists():
        if not may_create:
            raise CenoteError(
                f"The master key file {file} is missing; without it nothing of the data can be opened."
            )
        _create(file)
    _require_private(file)
    return Master.of(_decoded(file.read_text(), f"the master key file {file}"))


def _create(file: Path) -> None:
    """Make a key file, whole or not at all; of several processes that start at once, one makes it."""
    make_folder(file.parent)
    write_exclusively(file, os.urandom(KEY_BYTES).hex().encode() + b"\n")


def _require_private(file: Path) -> None:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise CenoteError(
            f"The master key file {file} can be read by others; make it private with chmod 600."
        )


def _decoded(text: str, source: str) -> bytes:
    text = text.strip()
    try:
        secret = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else base64.b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise CenoteError(
            f"The master key in {source} must be 32 bytes, written as 64 hex digits or as base64."
        )
    return secret


def _output_of(command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, from the operator's own settings
            shlex.split(command), capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as failure:
        raise CenoteError(f"The master_key_command failed ({type(failure).__name__}).") from failure
    return done.stdout
