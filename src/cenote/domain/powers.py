"""
Powers of SRP's generator from a table: forty multiplications each, where a power from nothing needs hundreds.

A table is read at places that the exponent decides, and who shares the machine's caches may see some of them.
So no exponent is ever looked up as it is: g^x = g^(x + r) * g^-r, with an r that is used once.  The places of
either factor alone are chance, whatever x is.  Those of both, held against each other, are not: a blinding is
made at another time than it is used (`blindings.py`).  Leaves out other bases than the generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import gmpy2

PRIME = gmpy2.mpz(
    int(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
        "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
        "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
        "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
        "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
        16,
    )
)
GENERATOR = gmpy2.mpz(2)
EXPONENT_BYTES = 32
BLINDING_BYTES = EXPONENT_BYTES + 7  # so much longer that the sum says nothing of the exponent
_PLACES = BLINDING_BYTES + 1  # what the sum may carry over
_DIGITS = 256

Row = Sequence[gmpy2.mpz]


@dataclass(frozen=True, slots=True, repr=False)
class Blinding:
    """A random number to add to one exponent, and the power that takes it away again."""

    addend: int
    inverse: gmpy2.mpz


def blinding_of(chance: bytes) -> Blinding:
    """A blinding of BLINDING_BYTES of fresh chance (about 0.12 ms); it is for one power and no second."""
    if len(chance) != BLINDING_BYTES:
        raise ValueError("a blinding of another length")
    addend = int.from_bytes(chance, "big")
    return Blinding(addend, _product(tables()[1], addend))


def power_of_generator(exponent: bytes, blinding: Blinding) -> gmpy2.mpz:
    """The generator to this power, modulo the prime (about 0.12 ms); the same whatever it is blinded with."""
    if len(exponent) > EXPONENT_BYTES:
        raise ValueError("an exponent too long")
    hidden = int.from_bytes(exponent, "big") + blinding.addend
    return _product(tables()[0], hidden) * blinding.inverse % PRIME


@cache
def tables() -> tuple[Sequence[Row], Sequence[Row]]:
    """
    The powers of the generator, and of its inverse, by place and digit (some 60 ms and 8 MiB, once).

    Whoever serves asks for them before the first call does.
    """
    return _table(GENERATOR), _table(gmpy2.invert(GENERATOR, PRIME))


def _table(step: gmpy2.mpz) -> Sequence[Row]:
    rows = []
    for _place in range(_PLACES):
        row = [gmpy2.mpz(1)]
        for _digit in range(1, _DIGITS):
            row.append(row[-1] * step % PRIME)
        rows.append(row)
        step = row[-1] * step % PRIME
    return rows


def _product(table: Sequence[Row], exponent: int) -> gmpy2.mpz:
    product = gmpy2.mpz(1)
    for row, digit in zip(table, exponent.to_bytes(_PLACES, "little"), strict=True):
        product = product * row[digit] % PRIME
    return product
