"""
A disk that loses its power: what was synced is there, of the rest anything, in any order, torn at sectors.

The strict reading of POSIX: `fsync` of a file keeps what is in it and not its name; a name is kept by `fsync`
of its folder.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.tracing import Call

SECTOR_BYTES = 512


@dataclass
class Inode:
    """A file, whatever its names: what is on the disk, and what was asked for since."""

    kept: bytearray = field(default_factory=bytearray)
    asked: list["Write"] = field(default_factory=list)
    position: int = 0

    def keep(self, until: int) -> None:
        """What was asked for before this moment is on the disk from now on."""
        for write in self.asked:
            if write.moment < until:
                _apply(self.kept, write.offset, write.text)
        self.asked = [write for write in self.asked if write.moment >= until]


@dataclass(frozen=True)
class Write:
    """A text for a place in a file; no text cuts the file there."""

    moment: int
    offset: int
    text: bytes | None


@dataclass(frozen=True)
class Renaming:
    """A name that was given (to a file, or to a folder: None) or taken away."""

    moment: int
    path: Path
    inode: Inode | None
    is_given: bool


class Disk:
    """The files below a folder, as calls change them."""

    def __init__(self, root: Path, *, lies_about: str = "") -> None:
        """`lies_about`: of files with such names the disk says that they are synced, and does nothing."""
        self._root = root
        self._lies_about = lies_about
        self._names: dict[Path, Inode | None] = {root: None}  # as programs see them
        self._kept_names: dict[Path, Inode | None] = {root: None}
        self._renamed: list[Renaming] = []
        self._syncing: dict[int, tuple[Inode | Path, int]] = {}
        self._moment = 0

    def take(self, call: Call) -> None:
        """Let a call begin, or come to its end."""
        self._moment += 1
        if call.has_ended and call.result < 0:
            self._syncing.pop(call.number, None)
            return
        if call.name in {"fsync", "fdatasync"}:
            self._sync(call)
        elif call.name in {"write", "pwrite64", "ftruncate"}:
            if not call.has_ended:  # from its beginning on it may have happened
                self._write(call)
        elif call.has_ended:
            self._name(call)

    def after_the_cut(self, chance: random.Random) -> dict[Path, bytes | None]:
        """What may be found when the power is back: the text of each file, None for a folder."""
        names = dict(self._kept_names)
        for renaming in self._renamed:
            if chance.random() < 0.5:
                _rename(names, renaming)
        reachable = {path for path in names if self._is_reachable(path, names)}
        contents: dict[int, bytes] = {}
        found: dict[Path, bytes | None] = {}
        for path in sorted(reachable):
            inode = names[path]
            if inode is not None and id(inode) not in contents:
                contents[id(inode)] = _torn(inode, chance)
            found[path] = None if inode is None else contents[id(inode)]
        return found

    def _is_reachable(self, path: Path, names: dict[Path, Inode | None]) -> bool:
        return all(above in names for above in path.parents if above.is_relative_to(self._root))

    def _sync(self, call: Call) -> None:
        """What was asked for before a sync began is kept once it has come to its end."""
        path = call.paths[0]
        if self._lies_about and path.match(self._lies_about):
            return
        if not call.has_ended:
            if path in self._names:
                self._syncing[call.number] = (self._names[path] or path, self._moment)
            return
        what, since = self._syncing.pop(call.number, (self._root, 0))
        if isinstance(what, Inode):
            what.keep(since)
            return
        kept = [one for one in self._renamed if one.path.parent == what and one.moment < since]
        for renaming in kept:
            _rename(self._kept_names, renaming)
        self._renamed = [one for one in self._renamed if one not in kept]

    def _write(self, call: Call) -> None:
        inode = self._names.get(call.paths[0])
        if inode is None:  # a log, or something that was there before
            return
        if call.name == "ftruncate":
            inode.asked.append(Write(self._moment, call.numbers[-1], None))
        elif call.name == "pwrite64":
            inode.asked.append(Write(self._moment, call.numbers[-1], call.text))
        else:
            inode.asked.append(Write(self._moment, inode.position, call.text))
            inode.position += len(call.text)

    def _name(self, call: Call) -> None:
        path = call.paths[-1]
        if call.name in {"mkdir", "mkdirat"}:
            self._give(path, None)
        elif call.name in {"open", "openat", "creat"}:
            if "O_CREAT" in call.flags and path not in self._names:
                self._give(path, Inode())
            inode = self._names.get(path)
            if inode is not None:
                inode.position = 0
        elif call.name in {"link", "linkat"}:
            self._give(path, self._names[call.paths[0]])
        elif call.name in {"unlink", "unlinkat", "rmdir"}:
            self._take_away(path)
        elif call.name.startswith("rename"):
            self._give(path, self._names[call.paths[0]])
            self._take_away(call.paths[0])

    def _give(self, path: Path, inode: Inode | None) -> None:
        self._names[path] = inode
        self._renamed.append(Renaming(self._moment, path, inode, is_given=True))

    def _take_away(self, path: Path) -> None:
        if path in self._names:
            self._renamed.append(Renaming(self._moment, path, self._names.pop(path), is_given=False))


def put_on(found: dict[Path, bytes | None], root: Path, target: Path) -> None:
    """Make these files and folders, under another folder."""
    for path, content in found.items():
        place = target / path.relative_to(root)
        if content is None:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        else:
            place.write_bytes(content)
            place.chmod(0o600)


def _rename(names: dict[Path, Inode | None], renaming: Renaming) -> None:
    if renaming.is_given:
        names[renaming.path] = renaming.inode
    else:
        names.pop(renaming.path, None)


def _torn(inode: Inode, chance: random.Random) -> bytes:
    """The file's text with some of what was asked for: all, nothing, or any of it, down to sectors."""
    content = bytearray(inode.kept)
    likely = chance.choice([0.0, 0.5, 1.0])
    for write in inode.asked:
        offset, text = write.offset, write.text
        if chance.random() < likely:
            if text is not None and chance.random() < 0.5:
                for start, piece in _sectors(offset, text):
                    if chance.random() < 0.5:
                        _apply(content, start, piece)
            else:
                _apply(content, offset, text)
    return bytes(content)


def _sectors(offset: int, text: bytes) -> Iterable[tuple[int, bytes]]:
    """A write in the pieces that a disk writes whole."""
    start = 0
    while start < len(text):
        end = min(len(text), start + SECTOR_BYTES - (offset + start) % SECTOR_BYTES)
        yield offset + start, text[start:end]
        start = end


def _apply(content: bytearray, offset: int, text: bytes | None) -> None:
    if text is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(text)] = text
