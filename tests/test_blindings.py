"""The stock of blindings: each used once, and not when it was made."""

import os
from concurrent.futures import ThreadPoolExecutor

import gmpy2

from cenote.blindings import STOCK, Blindings
from cenote.domain.powers import GENERATOR, PRIME


def test_no_blinding_is_used_twice_by_however_many_threads() -> None:
    blindings = Blindings(os.urandom)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _number: blindings.take(), range(20 * STOCK)))
    assert len({one.addend for one in taken}) == len(taken)
    for one in taken[:20]:
        assert one.inverse * gmpy2.powmod(GENERATOR, one.addend, PRIME) % PRIME == 1


def test_a_blinding_is_seldom_used_right_after_it_was_made() -> None:
    """How many others are taken between the making of one and its use: as many as there are in stock."""
    made: dict[int, int] = {}
    count = 0

    def chance(size: int) -> bytes:
        raw = os.urandom(size)
        if size > 1:
            made[int.from_bytes(raw, "big")] = count
        return raw

    blindings, waits = Blindings(chance), list[int]()
    for _power in range(20 * STOCK):
        count += 1
        waits.append(count - made[blindings.take().addend])
    later = sorted(waits[5 * STOCK :])
    assert later[len(later) // 2] > STOCK // 4
    assert sum(wait == 0 for wait in later) < len(later) // 10
