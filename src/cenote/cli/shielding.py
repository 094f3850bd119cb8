"""
Keeping the memory of a process to itself: it holds the master key and whatever is open at the moment.

Owns what a process may ask of its system.  Root, and whoever may trace any process, can look all the same.
A server inside another program leaves that program as it is.
"""

import ctypes
import resource
import sys

PR_SET_DUMPABLE = 4


def shield() -> None:
    """
    Let this process, and those that it forks, leave no core dump and be read by no other process.

    A limit of zero does not keep the kernel from piping a dump into a program, as most distributions have it
    (core(5)).  Of a process that is not dumpable there is none, and its memory and its environment, where the
    master key may stand, are closed to other processes of the same user too (prctl(2), ptrace(2)).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
