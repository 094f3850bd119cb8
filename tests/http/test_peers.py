"""Whose address a call has: the connection's, or what trusted proxies say of it, and nothing else."""

import pytest

from cenote.domain.rules import network_of
from cenote.http.peers import Peers

PROXY, INNER, CLIENT = "10.0.0.1", "10.0.0.2", "203.0.113.7"


def address(peer: str, forwarded: str | None = None, trusted: tuple[str, ...] = ("10.0.0.0/8",)) -> str:
    environ = {"REMOTE_ADDR": peer} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    return Peers([network_of(name) for name in trusted]).address(environ)


def test_without_trusted_proxies_no_header_is_believed():
    assert address(PROXY, CLIENT, ()) == PROXY
    assert address("127.0.0.1", "203.0.113.7, 127.0.0.1", ()) == "127.0.0.1"


def test_a_trusted_proxy_tells_its_neighbour():
    assert address(PROXY, CLIENT) == CLIENT
    assert address(PROXY, "2001:db8::1") == "2001:db8::1"


def test_a_stranger_tells_nothing():
    assert address(CLIENT, "198.51.100.1") == CLIENT


@pytest.mark.parametrize(
    "invented", ["198.51.100.1", "127.0.0.1", "10.0.0.9", "unknown", "'; drop", "," * 99]
)
def test_what_the_client_wrote_to_the_left_of_its_own_address_is_not_read(invented):
    assert address(PROXY, f"{invented}, {CLIENT}") == CLIENT
    assert address(PROXY, f"{invented}, {CLIENT}, {INNER}") == CLIENT


def test_a_chain_of_trusted_proxies_is_followed_to_the_first_who_is_none():
    assert address(PROXY, f"{CLIENT}, 10.9.9.9, {INNER}") == CLIENT
    assert address(PROXY, f"10.9.9.9, {INNER}") == "10.9.9.9"


@pytest.mark.parametrize("hop", ["", "unknown", "_hidden", "203.0.113", "203.0.113.7.", "[2001:db8::1"[:5]])
def test_behind_a_hop_that_is_no_address_nobody_is_looked_for(hop):
    assert address(PROXY, f"{CLIENT}, {hop}") == PROXY
    assert address(PROXY, f"{CLIENT}, {hop}, {INNER}") == INNER


@pytest.mark.parametrize(
    "hop, expected",
    [
        ("203.0.113.7:4711", CLIENT),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        (f"  {CLIENT}  ", CLIENT),
    ],
)
def test_ports_brackets_and_spaces_are_no_part_of_an_address(hop, expected):
    assert address(PROXY, hop) == expected


def test_a_proxy_in_ipv6_s_clothes_is_the_same_proxy():
    assert address("::ffff:10.0.0.1", CLIENT) == CLIENT
    assert address(PROXY, CLIENT, ("::ffff:10.0.0.0/104",)) == CLIENT
    assert address("::1", CLIENT, ("::1",)) == CLIENT
    assert address("::1", CLIENT, ("127.0.0.1",)) == "::1"


def test_a_chain_without_end_is_followed_for_some_hops_only():
    endless = ", ".join([CLIENT, *[INNER] * 5_000])
    assert address(PROXY, endless) == INNER


def test_where_there_is_no_address_at_all_the_machine_speaks_to_itself():
    assert Peers().address({}) == "127.0.0.1"
