"""
Powers of the SRP generator by a table: the same numbers as `domain/srp.py`'s, ten times as fast.

For filling houses only.  The table is read at places that the exponent decides, so its timing speaks of the
password; here every password is the same and public.
"""

from functools import cache

import gmpy2

from cenote.domain.srp import GENERATOR, PRIME

EXPONENT_BYTES = 32
_DIGITS = 256


@cache
def _table() -> list[list[gmpy2.mpz]]:
    """For each byte of an exponent, the powers that its 256 values stand for."""
    rows, step = [], GENERATOR
    for _place in range(EXPONENT_BYTES):
        row = [gmpy2.mpz(1)]
        for _digit in range(_DIGITS - 1):
            row.append(row[-1] * step % PRIME)
        rows.append(row)
        step = row[-1] * step % PRIME
    return rows


def power(generator: gmpy2.mpz, exponent: gmpy2.mpz) -> gmpy2.mpz:
    """The generator to this power, modulo the prime; there is a table for this one generator alone."""
    if generator != GENERATOR:
        raise ValueError("no table for this generator")
    product = gmpy2.mpz(1)
    digits = int(exponent).to_bytes(EXPONENT_BYTES, "little")
    for row, digit in zip(_table(), digits, strict=True):
        product = product * row[digit] % PRIME
    return product
