"""
Who is at the other end: the address of the connection, or what the operator's own proxies say of it.

Only proxies that the setting `trusted_proxies` names are believed, and each only about its own neighbour:
the address is that of the right-most hop which is no such proxy.  Whatever stands further left in the header
may have been written by the client.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cenote.domain.rules import Network, address_of

FORWARDED = "HTTP_X_FORWARDED_FOR"
HOPS_MAX = 16
ADDRESSES_KEPT_MAX = 4_096


class Peers:
    """The addresses of callers, as far as trusted proxies tell them."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=ADDRESSES_KEPT_MAX)(self._looked_up)

    def address(self, environ: dict[str, Any]) -> str:
        """The caller's address; without trusted proxies the connection's, whatever the headers say."""
        peer: str = environ.get("REMOTE_ADDR", "127.0.0.1")  # absent in the machine's own sockets alone
        if not self._trusted or not self._is_trusted(peer):
            return peer
        hops = environ.get(FORWARDED, "").rsplit(",", HOPS_MAX)[-HOPS_MAX:]
        for hop in reversed(hops):
            address = _bare(hop)
            if address_of(address) is None:  # no address: nobody can say who is behind it
                return peer
            peer = address
            if not self._is_trusted(address):
                return address
        return peer

    def _looked_up(self, text: str) -> bool:
        address = address_of(text)
        return address is not None and any(address in network for network in self._trusted)


def _bare(hop: str) -> str:
    """An address as proxies write it: with a port or in brackets, some of them."""
    text = hop.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
