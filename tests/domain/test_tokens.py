"""How a token is taken apart: one token has one spelling."""

import base64

import pytest

from cenote.domain.tokens import TOKEN_CHARACTERS_MAX, Parts, parts_of


def spelled(*contents: bytes) -> str:
    return ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in contents)


@pytest.mark.parametrize(
    "signature", [b"", b"s", b"si", b"sig", b"\xfb\xef\xbe\xff\xff\xfe", bytes(range(256))]
)
def test_a_token_is_taken_apart_into_what_was_signed_and_its_signature(signature: bytes):
    token = spelled(b'{"kid":"k"}', b'{"sub":"\xc3\xbc"}', signature)
    signed = token.rpartition(".")[0].encode()
    assert parts_of(token) == Parts(b'{"kid":"k"}', b'{"sub":"\xc3\xbc"}', signed, signature)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "piece",
    [
        "YQ==",  # padded
        "YR",  # loose bits behind the first letter
        "YWJ",  # and behind the second
        "YWI=",
        "Y",
        "Y W I",
        "YWJj\n",
        "+/+/",  # the other alphabet
        "YW=j",
        "YWJj=",
        "=",
        "YWJjé",
        "YWJj\ud800",
    ],
)
def test_another_spelling_is_no_token(place: int, piece: str):
    pieces = ["YWJj", "YWJj", "YWJj"]
    assert parts_of(".".join(pieces)) is not None
    pieces[place] = piece
    assert parts_of(".".join(pieces)) is None


@pytest.mark.parametrize("token", ["", "YWJj", "YWJj.YWJj", "YWJj.YWJj.YWJj.YWJj", "..."])
def test_fewer_or_more_parts_are_no_token(token: str):
    assert parts_of(token) is None


def test_a_token_longer_than_any_that_is_signed_is_not_read():
    longest = "YWJj" * ((TOKEN_CHARACTERS_MAX - 12) // 4)
    assert parts_of(f"YWJj.{longest}.YWJj") is not None
    assert parts_of(f"YWJj.{longest}YWJj.YWJj") is None
