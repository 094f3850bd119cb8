"""The file systems that folders lie on: which of them overwrite in place, as a tombstone must."""

from functools import cache
from pathlib import Path

NOT_IN_PLACE = {"btrfs", "zfs", "overlay", "bcachefs", "f2fs", "nilfs2", "apfs"}


@cache
def file_system(folder: Path) -> str:
    """The kind of the file system that a folder lies on, by the longest mount point above it."""
    place, best, kind = folder.resolve(), "", "an unknown file system"
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return kind
    for line in mounts:
        _device, point, its_kind, *_rest = line.split(" ")
        if (place == Path(point) or Path(point) in place.parents) and len(point) >= len(best):
            best, kind = point, its_kind
    return kind
