"""Requests that are not whole yet: an address has a share of them; behind a proxy that is the client's."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cenote.domain.rules import network_of
from cenote.http.buffering import READINGS_PER_ADDRESS_MAX, WholeRequests
from cenote.http.peers import Peers
from cenote.turns import Turns

PROXY, ANN, EVE = "10.0.0.1", "203.0.113.7", "198.51.100.9"
WAIT_S_MAX = 20


class Slow:
    """A body that does not come before it is let go."""

    def __init__(self, begun: threading.Semaphore, gone: threading.Event) -> None:
        self._begun = begun
        self._gone = gone

    def read(self, _size: int) -> bytes:
        self._begun.release()
        self._gone.wait(WAIT_S_MAX)
        return b""


class Empty:
    """A body that is there, and nothing."""

    def read(self, _size: int) -> bytes:
        return b""


def served(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"served"]


def answer(whole: WholeRequests, forwarded: str, body: Any) -> bytes:
    environ = {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": forwarded, "wsgi.input": body}
    return b"".join(whole(environ, lambda *_: None))


def test_who_sends_half_bodies_through_a_trusted_proxy_uses_up_their_own_share():
    begun, gone = threading.Semaphore(0), threading.Event()
    for peers, met in ((Peers([network_of("10.0.0.0/8")]), b"served"), (Peers(), b"TooManyRequests")):
        gone.clear()
        whole = WholeRequests(served, Turns(4), peers)
        with ThreadPoolExecutor(READINGS_PER_ADDRESS_MAX) as threads:
            for _ in range(READINGS_PER_ADDRESS_MAX):
                threads.submit(answer, whole, EVE, Slow(begun, gone))
            for _ in range(READINGS_PER_ADDRESS_MAX):
                assert begun.acquire(timeout=WAIT_S_MAX)
            assert b"TooManyRequestsException" in answer(whole, EVE, Empty())
            assert met in answer(whole, ANN, Empty())
            gone.set()
