"""The generator's powers from a table: the right numbers, from places that tell nothing of them."""

import os
from collections import Counter

import gmpy2
import pytest

from cenote.domain import powers
from cenote.domain.powers import (
    BLINDING_BYTES,
    EXPONENT_BYTES,
    GENERATOR,
    PRIME,
    blinding_of,
    power_of_generator,
    tables,
)

ENDS = [bytes(EXPONENT_BYTES), b"\xff" * EXPONENT_BYTES, bytes(EXPONENT_BYTES - 1) + b"\1", b"", b"\2"]
BLINDINGS = [bytes(BLINDING_BYTES), b"\xff" * BLINDING_BYTES]


def test_the_power_is_the_same_whatever_it_is_blinded_with() -> None:
    for exponent in [*ENDS, *(os.urandom(EXPONENT_BYTES) for _ in range(20))]:
        right = gmpy2.powmod(GENERATOR, int.from_bytes(exponent, "big"), PRIME)
        for blinding in [*BLINDINGS, *(os.urandom(BLINDING_BYTES) for _ in range(3))]:
            assert power_of_generator(exponent, blinding_of(blinding)) == right


def test_what_the_table_has_no_place_for_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        power_of_generator(bytes(EXPONENT_BYTES + 1), blinding_of(bytes(BLINDING_BYTES)))
    for wrong in (BLINDING_BYTES - 1, BLINDING_BYTES + 1):
        with pytest.raises(ValueError, match="another length"):
            blinding_of(bytes(wrong))


class Watched:
    """A row of the table, and which of its places were looked at."""

    def __init__(self, row: powers.Row, seen: Counter[int]) -> None:
        self._row, self._seen = row, seen

    def __getitem__(self, digit: int) -> gmpy2.mpz:
        self._seen[digit] += 1
        return self._row[digit]


def test_one_exponent_is_never_looked_up_at_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unblinded, each place would be looked at as often as there are sign-ins."""
    forward, backward = tables()
    seen: list[Counter[int]] = [Counter() for _row in forward]
    watched = [Watched(row, places) for row, places in zip(forward, seen, strict=True)]
    monkeypatch.setattr(powers, "tables", lambda: (watched, backward))
    times, exponent = 400, b"\x5a" * EXPONENT_BYTES
    for _sign_in in range(times):
        power_of_generator(exponent, blinding_of(os.urandom(BLINDING_BYTES)))
    for places in seen[:BLINDING_BYTES]:
        assert places.total() == times
        assert places.most_common(1)[0][1] < times // 20  # of 256 places, each has one or two of them
    monkeypatch.setattr(powers, "tables", lambda: (watched, backward))
    power_of_generator(exponent, blinding_of(bytes(BLINDING_BYTES)))
    assert all(places[0x5A] >= 1 for places in seen[:EXPONENT_BYTES])
