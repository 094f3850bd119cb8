"""
Names that outlive a power cut: a file's sync keeps what is in it, and only its folder's sync keeps its name.

Leaves out what lies in the folders.
"""

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """See that there is a folder, durably, for its owner alone; every folder above it that it needs too."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in missing:
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
