"""Rules about addresses: who is in which network, and which rule speaks to whom."""

import pytest

from cenote.domain.rules import Kind, Rule, RuleBook, address_of, counted_as, network_of, rate_of

POOL, OTHER = "us-east-1_first", "us-east-1_second"
EVERYBODY = (None, None)


def rule(kind: Kind, network: str | None, scope: tuple[str | None, str | None] = EVERYBODY, **more) -> Rule:
    pool_id, operation = scope
    name = f"{kind.value} {network}"
    return Rule(
        rule_id=name, kind=kind, pool_id=pool_id, operation=operation, network=network, created_ms=0, **more
    )


def blocks(book: RuleBook, address: str, pool_id: str | None = None, operation: str = "DeleteUser") -> bool:
    return book.blocking(pool_id, operation, address_of(address)) is not None


@pytest.mark.parametrize(
    "network, inside, outside",
    [
        ("203.0.113.0/24", ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.7"], ["203.0.114.0", "::1"]),
        ("203.0.113.7", ["203.0.113.7"], ["203.0.113.6", "203.0.113.8"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "2001:db8::1"]),
        ("2001:db8::/32", ["2001:db8::1", "2001:db8:ffff::"], ["2001:db9::", "203.0.113.7"]),
        ("::/0", ["::1", "ffff::"], ["127.0.0.1", "::ffff:127.0.0.1"]),
        ("::ffff:203.0.113.0/120", ["203.0.113.9", "::ffff:203.0.113.9"], ["203.0.114.9"]),
        ("fe80::/10", ["fe80::1%eth0", "fe80::1"], ["::1"]),
    ],
)
def test_an_address_is_blocked_by_the_network_that_it_is_in(network, inside, outside):
    book = RuleBook([rule(Kind.BLOCK, network)])
    assert [blocks(book, one) for one in inside] == [True] * len(inside)
    assert [blocks(book, one) for one in outside] == [False] * len(outside)


def test_whoever_has_no_address_is_in_no_network():
    assert not blocks(RuleBook([rule(Kind.BLOCK, "0.0.0.0/0"), rule(Kind.BLOCK, "::/0")]), "somewhere")
    assert blocks(RuleBook([rule(Kind.ALLOW_ONLY, "0.0.0.0/0")]), "somewhere")


def test_one_network_of_several_that_alone_are_allowed_is_enough():
    book = RuleBook([rule(Kind.ALLOW_ONLY, "10.0.0.0/8"), rule(Kind.ALLOW_ONLY, "192.168.0.0/16")])
    assert [blocks(book, one) for one in ("10.1.2.3", "192.168.1.1", "127.0.0.1")] == [False, False, True]


def test_of_two_scopes_with_networks_that_alone_are_allowed_each_must_know_the_address():
    book = RuleBook(
        [
            rule(Kind.ALLOW_ONLY, "10.0.0.0/8", (POOL, None)),
            rule(Kind.ALLOW_ONLY, "10.1.0.0/16", (POOL, "DeleteUser")),
        ]
    )
    assert not blocks(book, "10.1.0.1", POOL)
    assert blocks(book, "10.2.0.1", POOL)
    assert not blocks(book, "10.2.0.1", POOL, "GetUser")


def test_a_block_beats_whatever_is_allowed():
    book = RuleBook([rule(Kind.ALLOW_ONLY, "10.0.0.0/8"), rule(Kind.BLOCK, "10.0.0.1")])
    assert (blocks(book, "10.0.0.1"), blocks(book, "10.0.0.2")) == (True, False)


def test_a_rule_of_a_pool_or_an_operation_speaks_of_nobody_else():
    book = RuleBook(
        [rule(Kind.BLOCK, "10.0.0.1", (POOL, None)), rule(Kind.BLOCK, "10.0.0.2", (None, "GetUser"))]
    )
    assert blocks(book, "10.0.0.1", POOL)
    assert not blocks(book, "10.0.0.1", OTHER)
    assert not blocks(book, "10.0.0.1")
    assert blocks(book, "10.0.0.2", None, "GetUser")
    assert not blocks(book, "10.0.0.2", None, "DeleteUser")
    assert (book.is_about_everybody, book.is_about_pools) == (True, True)
    assert not RuleBook().is_about_everybody
    assert not RuleBook().is_about_pools


def test_the_rule_that_blocks_is_told():
    book = RuleBook([rule(Kind.BLOCK, "10.0.0.0/8"), rule(Kind.BLOCK, "11.0.0.0/8")])
    assert book.blocking(None, "DeleteUser", address_of("11.1.1.1")) == "block 11.0.0.0/8"


def test_a_rate_blocks_nobody_by_itself():
    book = RuleBook([rule(Kind.RATE, None, (POOL, "DeleteUser"), requests=3, window_s=60)])
    assert not blocks(book, "10.0.0.1", POOL)
    assert [one.requests for one in book.rates(POOL, "DeleteUser")] == [3]
    assert list(book.rates(POOL, "GetUser")) == []


@pytest.mark.parametrize("text", ["", "all", "203.0.113.7/24", "203.0.113.0/33", "10.0.0", "2001:db8::/129"])
def test_what_is_no_network_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"^must be an address or a network such as 203\.0\.113\.0/24"):
        network_of(text)


@pytest.mark.parametrize(
    "text, rate",
    [("100/300s", (100, 300)), ("100/300", (100, 300)), ("5/1m", (5, 60)), (" 1/24h ", (1, 86_400))],
)
def test_a_rate_is_so_many_within_a_time(text, rate):
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    "text", ["", "100", "0/60s", "100/0s", "100/25h", "-1/60s", "10000001/60s", "1/60d", "1.5/60s", "a/b"]
)
def test_what_is_no_rate_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"^must be like 100/300s"):
        rate_of(text)


def test_ipv6_is_counted_by_the_network_of_a_household():
    assert counted_as(address_of("2001:db8:1:2:3::4")) == counted_as(address_of("2001:db8:1:2:ffff::"))
    assert counted_as(address_of("2001:db8:1:2::")) != counted_as(address_of("2001:db8:1:3::"))
    assert counted_as(address_of("::ffff:203.0.113.7")) == counted_as(address_of("203.0.113.7"))
    assert counted_as(address_of("203.0.113.7")) != counted_as(address_of("203.0.113.8"))
    assert counted_as(None) == "None"


@pytest.mark.parametrize("text", ["", "unknown", "203.0.113", "1.2.3.4.5", "[::1]", "1.2.3.4:80", "::1" * 99])
def test_what_is_no_address_is_none(text):
    assert address_of(text) is None
