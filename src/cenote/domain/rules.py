"""
Rules about addresses, as a web ACL has them: who is blocked, who alone may come, and how often.

Owns the values and the verdict of the two kinds that need no counting.  Leaves out the rows
(`store/orders.py`), the counting (`counting.py`) and which calls are asked (`wire/admission.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

RULES_MAX = 1_000
REQUESTS_MAX = 10_000_000
WINDOW_S_MAX = 86_400
IPV6_PREFIX_BITS = 64  # what one household has: a rate counts it as one address
ADDRESS_CHARACTERS_MAX = 64

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Scope = tuple[str | None, str | None]  # pool and operation; None is any

_RATE = re.compile(r"([0-9]{1,8})/([0-9]{1,5})([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600}
_V4_IN_V6 = ip_network("::ffff:0:0/96")


class Kind(Enum):
    """What a rule does."""

    BLOCK = "block"  # whoever is in the network
    ALLOW_ONLY = "allow-only"  # whoever is in none of a scope's networks is blocked
    RATE = "rate"  # whoever comes too often


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a pool, or of every pool; of one operation, or of all that document ForbiddenException."""

    rule_id: str
    kind: Kind
    pool_id: str | None = None
    operation: str | None = None
    network: str | None = None
    requests: int = 0  # so many ...
    window_s: int = 0  # ... within so many seconds, from one address
    created_ms: int


@dataclass(slots=True)
class _Networks:
    """Networks by the length of their prefix: asking costs as much for a thousand as for one."""

    kept: dict[tuple[int, int], dict[int, str]] = field(default_factory=dict)

    def add(self, rule: Rule) -> None:
        network = network_of(rule.network or "")
        same_length = self.kept.setdefault((network.version, network.prefixlen), {})
        same_length[int(network.network_address)] = rule.rule_id

    def find(self, address: Address | None) -> str | None:
        """The rule whose network the address is in."""
        if address is None:
            return None
        number, bits = int(address), address.max_prefixlen
        for (version, length), networks in self.kept.items():
            if version == address.version:
                found = networks.get(number >> (bits - length) << (bits - length))
                if found is not None:
                    return found
        return None


@dataclass(slots=True)
class _Scoped:
    """The rules of one scope."""

    blocked: _Networks = field(default_factory=_Networks)
    allowed: _Networks = field(default_factory=_Networks)
    rates: list[Rule] = field(default_factory=list)


class RuleBook:
    """Every rule, found by whom it is about.  It does not change."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        scopes: defaultdict[Scope, _Scoped] = defaultdict(_Scoped)
        for rule in rules:
            its = scopes[rule.pool_id, rule.operation]
            if rule.kind is Kind.RATE:
                its.rates.append(rule)
            else:
                (its.blocked if rule.kind is Kind.BLOCK else its.allowed).add(rule)
        self._scopes = dict(scopes)
        self.is_about_everybody = any(pool_id is None for pool_id, _operation in scopes)
        self.is_about_pools = any(pool_id is not None for pool_id, _operation in scopes)

    def blocking(self, pool_id: str | None, operation: str, address: Address | None) -> str | None:
        """
        The rule that blocks this address, if one does; an address that can't be read is in no network.

        Where a scope has rules of the kind allow-only, one of them must know the address, in each scope.
        """
        for its in self._its(pool_id, operation):
            found = its.blocked.find(address)
            if found is not None:
                return found
            if its.allowed.kept and its.allowed.find(address) is None:
                return Kind.ALLOW_ONLY.value
        return None

    def rates(self, pool_id: str | None, operation: str) -> Iterator[Rule]:
        """The rules that a count decides."""
        for its in self._its(pool_id, operation):
            yield from its.rates

    def _its(self, pool_id: str | None, operation: str) -> Iterator[_Scoped]:
        for scope in ((pool_id, None), (pool_id, operation)):
            its = self._scopes.get(scope)
            if its is not None:
                yield its


def network_of(text: str) -> Network:
    """
    The network that a text names, or the one address; ValueError goes on after "The network ".

    An IPv4 network in IPv6's clothes is the IPv4 network: addresses are taken in the same way.
    """
    try:
        network = ip_network(text.strip())
    except ValueError as wrong:
        raise ValueError(f"must be an address or a network such as 203.0.113.0/24 ({wrong})") from wrong
    if isinstance(network, IPv6Network) and network.subnet_of(_V4_IN_V6):  # type: ignore[arg-type]
        mapped = network.network_address.ipv4_mapped
        return IPv4Network((int(mapped or 0), network.prefixlen - _V4_IN_V6.prefixlen))
    return network


def address_of(text: str) -> Address | None:
    """The address that a text is, IPv4 in IPv6's clothes as IPv4; None for what is none."""
    if len(text) > ADDRESS_CHARACTERS_MAX:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def counted_as(address: Address | None) -> str:
    """What an address is counted as: IPv6 by the network that one household has, or anybody moves on."""
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX_BITS), strict=False).network_address)
    return str(address)


def rate_of(text: str) -> tuple[int, int]:
    """`100/300s`: so many requests, within so many seconds (s), minutes (m) or hours (h)."""
    found = _RATE.fullmatch(text.strip())
    requests, window_s = (0, 0) if found is None else (int(found[1]), int(found[2]) * _SECONDS[found[3]])
    if not (0 < requests <= REQUESTS_MAX and 0 < window_s <= WINDOW_S_MAX):
        raise ValueError(f"must be like 100/300s, within {WINDOW_S_MAX} seconds, not {text[:60]!r}")
    return requests, window_s
