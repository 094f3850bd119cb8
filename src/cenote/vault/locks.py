"""
Locks on parts of a file that hold between processes and machines: Linux's open-file-description locks.

They lie on a range, end with the file's description (a crash releases them), and two descriptions in one
process exclude each other too, which POSIX's record locks do not.  On a shared volume (NFS) taking one also
makes the kernel read the range anew and write it back: that is why slots are overwritten under one.
"""

import fcntl
import os
import struct

_FLOCK = struct.Struct("hhqqi4x")  # type, whence, start, length, pid


def lock_range(descriptor: int, start: int, length: int) -> None:
    """Wait until the range is ours alone."""
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0))


def try_lock_range(descriptor: int, start: int, length: int) -> bool:
    """Take the range if nobody has it."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0))
    except (BlockingIOError, PermissionError):
        return False
    return True


def unlock_range(descriptor: int, start: int, length: int) -> None:
    """Let others have the range."""
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, start, length, 0))
