"""Envelopes: an envelope opens with its own key at its own place, and never otherwise."""

import uuid

import pytest

from cenote.domain.sealed import Place
from cenote.vault.sealing import HEADER_BYTES, SealingKey, Unopenable, subject_bytes

SUB = str(uuid.uuid4())
NAME = subject_bytes(SUB)
KEY = SealingKey(NAME, bytes(range(32)))
PLACE = Place("users", "profile", "row", 3)


def test_an_envelope_opens_at_its_place():
    assert KEY.open(PLACE, KEY.seal(PLACE, b"ann@example.com")) == b"ann@example.com"


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("outbox", "profile", "row", 3),
        Place("users", "body", "row", 3),
        Place("users", "profile", "another", 3),
        Place("users", "profile", "row", 2),
    ],
)
def test_an_envelope_that_was_moved_does_not_open(elsewhere):
    with pytest.raises(Unopenable):
        KEY.open(elsewhere, KEY.seal(PLACE, b"ann@example.com"))


def test_no_byte_of_an_envelope_can_be_altered():
    envelope = KEY.seal(PLACE, b"ann@example.com")
    for at in range(len(envelope)):
        altered = envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :]
        with pytest.raises(Unopenable):
            KEY.open(PLACE, altered)


def test_no_part_of_an_envelope_opens():
    envelope = KEY.seal(PLACE, b"ann@example.com")
    for end in range(len(envelope)):
        with pytest.raises(Unopenable):
            KEY.open(PLACE, envelope[:end])


def test_another_subject_and_another_key_do_not_open_it():
    envelope = KEY.seal(PLACE, b"ann@example.com")
    for stranger in (SealingKey(subject_bytes(str(uuid.uuid4())), KEY.secret), SealingKey(NAME, bytes(32))):
        with pytest.raises(Unopenable):
            stranger.open(PLACE, envelope)


def test_an_envelope_bears_the_raw_subject_in_front_and_nothing_of_the_content():
    envelope = KEY.seal(PLACE, b"ann@example.com")
    assert envelope[:1] == b"\x01"
    assert envelope[5:21] == uuid.UUID(SUB).bytes
    assert len(envelope) == HEADER_BYTES + len(b"ann@example.com") + 16
    assert b"ann" not in envelope


def test_two_envelopes_of_one_content_have_nothing_in_common_but_their_header():
    first, second = KEY.seal(PLACE, b"same"), KEY.seal(PLACE, b"same")
    assert first[:21] == second[:21]
    assert first[21:33] != second[21:33]
    assert first[33:] != second[33:]


def test_a_subject_that_is_no_uuid_is_named_by_its_digest():
    assert len(subject_bytes("us-east-1_SbeSpjvX7")) == 16
    assert subject_bytes("us-east-1_SbeSpjvX7") != subject_bytes("us-east-1_SbeSpjvX8")


def test_a_key_does_not_show_itself():
    assert KEY.secret.hex() not in repr(KEY)
    assert str(KEY.secret) not in repr(KEY)
