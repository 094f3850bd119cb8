"""
What a server asks of its files, call by call, as strace saw it: for a disk that loses its power.

Owns the recording and its reading.  Leaves out what such a disk may have kept (`disk.py`).
"""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house import House

STRACE = shutil.which("strace")
WRITING = "write,pwrite64,pwritev,writev,ftruncate,truncate,fallocate"
SYNCING = "fsync,fdatasync,sync_file_range,msync"
NAMING = "openat,open,creat,link,linkat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir"
BYTES_MAX = 8 * 1024 * 1024  # more than a new chunk of the keys folder
_LINE = re.compile(rb"(\d+) +(\d+\.\d+) (.*)", re.DOTALL)
_RESUMED = re.compile(rb"<\.\.\. \w+ resumed>(.*)", re.DOTALL)
_RESULT = re.compile(rb"\) += (-?\d+)")
_UNFINISHED = b" <unfinished ...>"


@dataclass(frozen=True)
class Call:
    """A call as it began, or as it came to its end; its number is the same in both."""

    number: int
    at_s: float
    name: str
    paths: tuple[Path, ...]
    text: bytes  # what was written
    numbers: tuple[int, ...]  # the other arguments that are numbers
    flags: str
    has_ended: bool
    result: int = 0


class TracedHouse(House):
    """A house whose server is watched from its first call on."""

    @property
    def trace(self) -> Path:
        return self.root / "trace"

    def command(self, *flags: str) -> list[str]:
        options = ["-f", "--seccomp-bpf", "-y", "-xx", "-ttt", "-s", str(BYTES_MAX), "-o", str(self.trace)]
        calls = ["-e", f"trace={WRITING},{SYNCING},{NAMING}", "-e", "signal=none"]
        return [STRACE or "strace", *options, *calls, *super().command(*flags)]

    def kill(self) -> None:
        """`kill -9` of the server; strace ends with it, and its record is whole."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        self.wait_for_death()


def calls_in(trace: Path, root: Path) -> Iterator[Call]:
    """The calls about files below this folder: one at its beginning and one at its end, in their order."""
    unfinished: dict[bytes, tuple[int, bytes]] = {}
    number = 0
    with trace.open("rb") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip(b"\n"))
            if found is None:
                continue
            thread, at, said = found.groups()
            at_s = float(at)
            if resumed := _RESUMED.match(said):
                if thread in unfinished:
                    its_number, begun = unfinished.pop(thread)
                    yield from _read(its_number, at_s, begun + resumed[1], root, begins=False)
            elif said.endswith(_UNFINISHED):
                number += 1
                begun = said.removesuffix(_UNFINISHED)
                unfinished[thread] = (number, begun)
                yield from _read(number, at_s, begun, root, ends=False)
            elif b"(" in said:
                number += 1
                yield from _read(number, at_s, said, root)


def _read(
    number: int, at_s: float, said: bytes, root: Path, *, begins: bool = True, ends: bool = True
) -> Iterator[Call]:
    name, _, arguments = said.partition(b"(")
    paths = tuple(path for path in _paths(arguments, name) if path.is_relative_to(root))
    if not paths:
        return
    text = _quoted(arguments) if name in {b"write", b"pwrite64"} else b""
    found = _RESULT.search(said[-200:])
    result = int(found[1]) if ends and found is not None else 0
    behind = said[said.rfind(b'"') + 1 :] if text else arguments
    numbers = tuple(int(one) for one in re.findall(rb", (-?\d+)(?=[,)]|$)", behind.partition(b" = ")[0]))
    flags = b"|".join(re.findall(rb"O_\w+", arguments[:4096] if not text else b"")).decode()
    for is_end in [*([False] if begins else []), *([True] if ends else [])]:
        yield Call(number, at_s, name.decode(), paths, text, numbers, flags, has_ended=is_end, result=result)


def _paths(arguments: bytes, name: bytes) -> list[Path]:
    """The files that a call is about: descriptors by what they are of, names as they were given."""
    if name in {b"write", b"pwrite64", b"pwritev", b"writev"}:
        arguments = arguments.partition(b">")[0] + b">"
    given = re.findall(rb'(?<=[<"])((?:\\x[0-9a-f]{2})+)(?=[>"])', arguments.partition(b" = ")[0])
    return [Path(_bytes(one).decode(errors="replace")) for one in given]


def _quoted(arguments: bytes) -> bytes:
    start = arguments.index(b'"') + 1
    return _bytes(arguments[start : arguments.index(b'"', start)])


def _bytes(spelled: bytes) -> bytes:
    return bytes.fromhex(spelled.replace(b"\\x", b"").decode())
