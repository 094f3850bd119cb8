"""
Serving: the HTTP server around the application, from the bound port to a clean stop.

Granian's parent process binds the port and its one worker serves; the worker opens the house, so that no file
and no thread crosses a fork.  The worker dies with its parent: after `kill -9` nobody holds the folder.
"""

import contextlib
import ctypes
import http.client
import multiprocessing
import multiprocessing.util
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.synchronize import Event, Semaphore
from typing import Any

import granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from cenote.app import build
from cenote.cli.keys import show_root
from cenote.cli.logging import configure_logging
from cenote.cli.shielding import shield
from cenote.cores import Cores
from cenote.domain.powers import tables
from cenote.errors import CenoteError
from cenote.http.buffering import READING_THREADS_MAX, WholeRequests, Wsgi
from cenote.settings import Settings

PR_SET_PDEATHSIG = 1
HEADER_BYTES_MAX = 64 * 1024
BACKLOG = 1024
CONNECTIONS_MAX = 4_096
FILES_RESERVED = 256
READY_POLL_S = 0.005
LOOK_EVERY_S = 1.0
STOP_WAIT_S_MAX = 20
READY_WAIT_S_MAX = 30
EXIT_REFUSED = 2


@dataclass(frozen=True, slots=True)
class _Shared:
    """
    What parent and workers have in common: a start that was refused, the right to announce it, and the end.
    """

    refused: Event
    announcer: Semaphore
    parent_id: int
    is_ending: Any  # a byte; not an Event, for it is set in a signal's handler


def serve(settings: Settings) -> None:
    """
    Serve until told to stop; `CenoteError` when the port can't be had, exit 2 when the start is refused.
    """
    settings, address = _with_a_port(settings)
    is_ending = multiprocessing.RawValue("b", 0)
    shared = _Shared(multiprocessing.Event(), multiprocessing.Semaphore(1), os.getpid(), is_ending)
    server = granian.Granian(
        "cenote",
        address=address,
        port=settings.port,
        interface=Interfaces.WSGI,
        blocking_threads=READING_THREADS_MAX,
        http=HTTPModes.http1,
        workers=settings.workers,
        backlog=BACKLOG,
        backpressure=_connections_max(),
        http1_settings=HTTP1Settings(max_buffer_size=HEADER_BYTES_MAX),
        websockets=False,
        log_enabled=False,
        workers_kill_timeout=STOP_WAIT_S_MAX,
    )
    server.on_startup(partial(_hear_signals, server, shared, os.getpid()))
    try:
        server.serve(target_loader=lambda *_: _worker(settings, shared))
    except SystemExit as end:
        if shared.refused.is_set():
            sys.exit(EXIT_REFUSED)
        if not server.interrupt_signal:  # else a worker heard it too, and was the faster
            sys.stderr.write("cenote: The serving process ended by itself.\n")
            sys.exit(end.code)


def _hear_signals(server: Any, shared: _Shared, parent_id: int) -> None:
    """
    Stop at SIGTERM, Ctrl-C and a hang-up, which Granian would answer with a second worker on the folder.

    A worker is born with these handlers and keeps them until it serves: before that, ending at once is safe,
    and an exception raised in a handler may be swallowed by whatever it interrupts.
    """

    def told(*_: object) -> None:
        if os.getpid() != parent_id:
            os._exit(0)
        shared.is_ending.value = 1
        server.signal_handler_interrupt()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, told)


def _worker(settings: Settings, shared: _Shared) -> Callable[..., Any]:
    """In the worker: open the house, announce it once it answers, and close it at the end."""
    _die_with_parent(shared.parent_id)
    _listen_to_parent()
    if shared.is_ending.value:  # the parent told so while this process was forked, and CPython forgets that
        os._exit(0)
    shield()  # its parent is, and what is forked from it; one that was started anew would not be
    configure_logging()
    cores = Cores(os.getpid())
    cores.stay()
    tables()  # now, so that nobody's sign-in waits for them
    try:
        application = build(settings, cores=cores)
        if not settings.dev:
            show_root(application.services.store, application.services.master)
    except CenoteError as failure:
        shared.refused.set()
        sys.stderr.write(f"cenote: {failure}\n")
        sys.stderr.flush()
        os._exit(EXIT_REFUSED)
    # Neither atexit nor a daemon thread is run by the end of a forked worker; a Finalize is.
    multiprocessing.util.Finalize(None, application.close, exitpriority=100)
    if shared.announcer.acquire(block=False):
        threading.Thread(target=_announce, args=(settings,), name="cenote-announce", daemon=True).start()
    cores.roam()  # the HTTP server's own threads, which begin now, need no Python
    return _staying(cores, WholeRequests(application.wsgi, application.turns, application.peers))


def _staying(cores: Cores, wsgi: Wsgi) -> Wsgi:
    """The application, each of whose threads stays on Python's core from its first request on."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        cores.stay()
        return wsgi(environ, start_response)

    return answer


def _die_with_parent(parent_id: int) -> None:
    """Ask Linux for SIGKILL at the parent's end; elsewhere an orphan would keep the folder locked."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_id:  # it was gone before this was asked for
        os._exit(0)


def _listen_to_parent() -> None:
    """
    Leave Ctrl-C and a hang-up to the parent, which then sends SIGTERM; and do not sleep through that.

    They would come to both, and of two signals at a time CPython may miss both, since neither needs to wake
    the main thread.  Nor does one that comes just before it begins to wait: so a timer makes it look again.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_S, LOOK_EVERY_S)


def _connections_max() -> int:
    """How many connections are held at once: one that says nothing yet costs a file, and no thread."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + FILES_RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS_MAX if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft) - FILES_RESERVED)


def _announce(settings: Settings) -> None:
    """One line on stdout as soon as the server answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - not bound
    until = time.monotonic() + READY_WAIT_S_MAX
    while time.monotonic() < until:
        connection = http.client.HTTPConnection(host, settings.port, timeout=1)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                mode = " (development: any credentials, open doors)" if settings.dev else ""
                print(f"Cenote answers at {settings.listening_url}{mode}", flush=True)
                return
        time.sleep(READY_POLL_S)


def _with_a_port(settings: Settings) -> tuple[Settings, str]:
    """The settings with a port that can be bound now (0 becomes one that is free), and the host's address."""
    try:
        family, *_, place = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            address, port = probe.getsockname()[:2]
    except OSError as failure:
        raise CenoteError(
            f"Nothing can listen on {settings.host} port {settings.port}: {failure.strerror}."
        ) from failure
    return replace(settings, port=port), address
