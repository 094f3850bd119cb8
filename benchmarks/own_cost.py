"""
The generator's own price, measured against a responder that does nothing: what a table owes its reader.

The responder answers every request with the same bytes, as large as GetUser's answer.
"""

import multiprocessing
import select
import socket
from dataclasses import dataclass

from benchmarks.load import HEAD_END, HOST, RECEIVED_BYTES_MAX, Load, run

CALLERS = 32
SECONDS = 1.0
CALLS_MAX = 200_000
_BODY = b'{"UserAttributes":[' + b'{"Name":"email","Value":"ann@example.com"},' * 8 + b'{}],"Username":"ann"}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
_REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1100\r\n\r\n" + b"x" * 1_100
_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class OwnCost:
    """Processor time of one call on the generator's side, and the rate at which one worker would give out."""

    call_us: float
    calls_per_s_max: float


def own_cost() -> OwnCost:
    """Measure it."""
    listening = socket.create_server((HOST, 0), backlog=2 * CALLERS)
    responder = _fork.Process(target=_respond, args=(listening,), daemon=True)
    responder.start()
    try:
        load = Load(callers=CALLERS, seconds_max=SECONDS, calls_max=CALLS_MAX)
        outcome = run(listening.getsockname()[1], [_REQUEST], load)
    finally:
        responder.terminate()
        responder.join()
        listening.close()
    call_s = outcome.cpu_s / outcome.calls
    return OwnCost(call_s * 1e6, 1 / call_s)


def _respond(listening: socket.socket) -> None:
    poll, lines = select.epoll(), {}
    poll.register(listening.fileno(), select.EPOLLIN)
    while True:
        for descriptor, _events in poll.poll():
            if descriptor == listening.fileno():
                line, _address = listening.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                lines[line.fileno()] = line
                poll.register(line.fileno(), select.EPOLLIN)
                continue
            received = lines[descriptor].recv(RECEIVED_BYTES_MAX)
            if not received:
                poll.unregister(descriptor)
                lines.pop(descriptor).close()
            elif HEAD_END in received:
                lines[descriptor].sendall(_ANSWER)
