"""
Page tokens: opaque, made by this server only, good for the one listing that gave them, and for as long as
that says.
"""

import base64
import binascii

from cenote.domain.sealed import Place
from cenote.errors import InvalidParameterException
from cenote.services import Services
from cenote.vault.sealing import Unopenable

INVALID_TOKEN = "Invalid pagination token."


def page_token(services: Services, listing: str, last: str) -> str:
    """The token of the page behind the entry `last` of a listing (its operation, and what it was asked)."""
    text = f"{services.now_ms()} {last}"
    sealed = services.master.server_key().seal(Place("pages", listing), text.encode())
    return base64.b64encode(sealed).decode()


def page_after(services: Services, listing: str, token: str | None, *, lifetime_ms: int | None = None) -> str:
    """The entry behind which a page begins; the empty text for the first."""
    if token is None:
        return ""
    try:
        sealed = base64.b64decode(token, validate=True)
        text = services.master.server_key().open(Place("pages", listing), sealed).decode()
    except (binascii.Error, ValueError, Unopenable) as failure:
        raise InvalidParameterException(INVALID_TOKEN) from failure
    made_ms, _space, last = text.partition(" ")
    if lifetime_ms is not None and services.now_ms() >= int(made_ms) + lifetime_ms:
        raise InvalidParameterException(INVALID_TOKEN)
    return last
