"""
AWS Signature Version 4 as its receiver: what a request claims, and whether its signature bears that out.

Pure functions of the request, the secrets and the time.  Leaves out whose a key is and what it may do
(`authorization.py`).  The body always counts as it came: a signature over the words UNSIGNED-PAYLOAD is a
signature over another body.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, unquote_to_bytes

from cenote.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
)

ALGORITHM, SERVICE, TERMINATOR = "AWS4-HMAC-SHA256", "cognito-idp", "aws4_request"
METHOD, PATH = "POST", "/"  # the one route that operations have
SKEW_S_MAX = 300
EXPIRES_S_MAX = 604_800
AUTHORIZATION_CHARACTERS_MAX = 8_192
QUERY_CHARACTERS_MAX = 16_384
SIGNED_HEADERS_MAX = 64
ECHOED_CHARACTERS_MAX = 1_024

_MOMENT = "%Y%m%dT%H%M%SZ"
_MOMENT_FORM = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SPACES = re.compile(r"[ \t]+")
_TARGET = "x-amz-target"  # unsigned, it would let a recorded call be played again as another operation
_SHOWN = {"host": "Host' or ':authority", "x-amz-date": "X-Amz-Date", "date": "Date", _TARGET: "X-Amz-Target"}
_HEADER_PARTS = ("Credential", "Signature", "SignedHeaders")
_QUERY_PARTS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
_NO_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."


@dataclass(frozen=True, slots=True)
class Head:
    """What comes with a body: the raw query, the headers by name, and the address that sent it."""

    query: str
    header: Callable[[str], str | None]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A signature as a request presents it: complete, and not yet believed."""

    key_id: str
    scope: str  # date/region/service/terminator
    moment: str  # as `20260101T000000Z`
    signed_headers: tuple[str, ...]
    signature: str
    canonical_query: str
    required_headers: tuple[str, ...]
    expires_s: int | None  # of the presigned form
    has_session_token: bool


def is_signed(head: Head) -> bool:
    """Whether the request presents a signature at all, of whatever kind."""
    return bool(head.header("Authorization")) or "X-Amz-" in head.query


def read_claim(head: Head) -> Claim:
    """The signature that the request presents, in its header or, presigned, in its query."""
    if not is_signed(head):
        raise MissingAuthenticationTokenException
    if len(head.query) > QUERY_CHARACTERS_MAX:
        raise IncompleteSignatureException(f"The query is longer than {QUERY_CHARACTERS_MAX} characters.")
    authorization = head.header("Authorization")
    return _presigned(head) if not authorization else _in_header(head, authorization)


def verify(
    claim: Claim, head: Head, body: bytes, *, secrets: Iterable[str], region: str, now_s: float
) -> None:
    """
    Refuse a claim that is out of its time or scope, or that none of the secrets bears out.

    Raises InvalidSignatureException.  What is cheap comes first; the comparison takes constant time.
    """
    _check_time(claim, int(now_s))
    _check_scope(claim, region)
    for name in claim.required_headers:
        if name not in claim.signed_headers:
            raise InvalidSignatureException(
                f"'{_SHOWN[name]}' must be a 'SignedHeader' in the AWS Authorization."
            )
    text = _string_to_sign(claim, head, body)
    given = claim.signature.encode()
    if not any(hmac.compare_digest(_signature(secret, claim.scope, text), given) for secret in secrets):
        raise InvalidSignatureException


def _in_header(head: Head, authorization: str) -> Claim:
    if len(authorization) > AUTHORIZATION_CHARACTERS_MAX:
        raise IncompleteSignatureException(
            f"Authorization header is longer than {AUTHORIZATION_CHARACTERS_MAX} characters."
        )
    scheme, _, rest = authorization.strip().partition(" ")
    pairs = (part.strip().partition("=") for part in rest.split(",")) if scheme == ALGORITHM else ()
    parts = {name: value for name, _, value in pairs}
    dated_by = "x-amz-date" if head.header("x-amz-date") else "date"
    date = head.header(dated_by)
    lacking = [
        f"Authorization header requires '{one}' parameter." for one in _HEADER_PARTS if not parts.get(one)
    ]
    lacking += [] if date else [_NO_DATE]
    if lacking or not date:
        echo = f"Authorization={_clipped(authorization)}"
        raise IncompleteSignatureException(" ".join([*lacking, echo]))
    key_id, scope = _credential(parts["Credential"])
    return Claim(
        key_id=key_id,
        scope=scope,
        moment=_moment(date),
        signed_headers=_names(parts["SignedHeaders"]),
        signature=parts["Signature"],
        canonical_query=_canonical_query(head.query),
        required_headers=("host", dated_by, _TARGET),
        expires_s=None,
        has_session_token=bool(head.header("x-amz-security-token")),
    )


def _presigned(head: Head) -> Claim:
    pairs = (pair.partition("=") for pair in head.query.split("&"))
    parts = {unquote(name): unquote(value) for name, _, value in pairs}
    lacking = [
        f"AWS query-string parameters must include '{one}'." for one in _QUERY_PARTS if not parts.get(one)
    ]
    if lacking:
        raise IncompleteSignatureException(" ".join([*lacking, "Re-examine the query-string parameters."]))
    if parts["X-Amz-Algorithm"] != ALGORITHM:
        raise IncompleteSignatureException(f"X-Amz-Algorithm must be '{ALGORITHM}'.")
    key_id, scope = _credential(parts["X-Amz-Credential"])
    return Claim(
        key_id=key_id,
        scope=scope,
        moment=_moment(parts["X-Amz-Date"]),
        signed_headers=_names(parts["X-Amz-SignedHeaders"]),
        signature=parts["X-Amz-Signature"],
        canonical_query=_canonical_query(head.query, without="X-Amz-Signature"),
        required_headers=("host", _TARGET),
        expires_s=_expires_s(parts),
        has_session_token="X-Amz-Security-Token" in parts or bool(head.header("x-amz-security-token")),
    )


def _credential(text: str) -> tuple[str, str]:
    """The key's id, and the scope of the signature."""
    elements = text.split("/")
    if len(elements) != 5:  # noqa: PLR2004 - the text counts them
        raise IncompleteSignatureException(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
            f" got '{_clipped(text)}'"
        )
    return elements[0], "/".join(elements[1:])


def _names(text: str) -> tuple[str, ...]:
    names = text.lower().split(";")
    if len(names) > SIGNED_HEADERS_MAX:
        raise IncompleteSignatureException(f"More than {SIGNED_HEADERS_MAX} headers are signed.")
    return tuple(sorted(set(names)))


def _moment(text: str) -> str:
    """The moment of the signature in its basic ISO 8601 form; a `Date` header may spell it out."""
    text = text.strip()
    try:
        if _MOMENT_FORM.fullmatch(text):
            _seconds(text)
            return text
        spelled_out = parsedate_to_datetime(text)
        written = spelled_out.replace(tzinfo=spelled_out.tzinfo or UTC).astimezone(UTC).strftime(_MOMENT)
        return _written(_seconds(written))  # a year of three digits is written as such, and read as none
    except (ValueError, TypeError, OverflowError) as failure:
        raise IncompleteSignatureException(
            f"Date must be in ISO-8601 'basic format'. Got '{_clipped(text)}'."
            " See http://en.wikipedia.org/wiki/ISO_8601"
        ) from failure


def _expires_s(parts: Mapping[str, str]) -> int | None:
    text = parts.get("X-Amz-Expires")
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,9}", text) or not 0 < int(text) <= EXPIRES_S_MAX:
        raise IncompleteSignatureException(
            f"X-Amz-Expires must be a whole number from 1 to {EXPIRES_S_MAX}, the seconds of a week."
        )
    return int(text)


def _check_time(claim: Claim, now_s: int) -> None:
    """A signature is good for the skew before and behind; a presigned one for as long as it says."""
    signed_s, now = _seconds(claim.moment), _written(now_s)
    life_s = SKEW_S_MAX if claim.expires_s is None else claim.expires_s
    if signed_s < now_s - life_s:
        raise InvalidSignatureException(
            f"Signature expired: {claim.moment} is now earlier than {_written(now_s - life_s)}"
            f" ({now} - {_span(life_s)})"
        )
    if signed_s > now_s + SKEW_S_MAX:
        raise InvalidSignatureException(
            f"Signature not yet current: {claim.moment} is still later than {_written(now_s + SKEW_S_MAX)}"
            f" ({now} + {_span(SKEW_S_MAX)})"
        )


def _check_scope(claim: Claim, region: str) -> None:
    """The text has a sentence for each wrong element, and a space behind each."""
    its_date, its_region, its_service, its_terminator = claim.scope.split("/")
    faults = {
        "Credential should be scoped to a valid region. ": its_region != region,
        f"Credential should be scoped to correct service: '{SERVICE}'. ": its_service != SERVICE,
        f"Credential should be scoped with a valid terminator: '{TERMINATOR}'. ": its_terminator
        != TERMINATOR,
        f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
        f" '{_clipped(its_date)}' != '{claim.moment[:8]}', from '{claim.moment}'. ": (
            its_date != claim.moment[:8]
        ),
    }
    if text := "".join(fault for fault, is_so in faults.items() if is_so):
        raise InvalidSignatureException(text)


def _string_to_sign(claim: Claim, head: Head, body: bytes) -> bytes:
    request = f"{METHOD}\n{PATH}\n{claim.canonical_query}".encode()
    headers = b"".join(_canonical_header(name, head.header(name)) for name in claim.signed_headers)
    signed = ";".join(claim.signed_headers).encode()
    payload = hashlib.sha256(body).hexdigest().encode()
    digest = hashlib.sha256(b"\n".join([request, headers, signed, payload])).hexdigest()
    return f"{ALGORITHM}\n{claim.moment}\n{claim.scope}\n{digest}".encode()


def _canonical_header(name: str, value: str | None) -> bytes:
    """One line; WSGI hands a header's bytes as Latin-1, and the signature is about the bytes."""
    trimmed = _SPACES.sub(" ", (value or "").strip(" \t"))
    return f"{name}:{trimmed}\n".encode("latin-1", "replace")


def _canonical_query(query: str, without: str | None = None) -> str:
    """Every parameter, encoded in the one way there is (RFC 3986) and sorted."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded if name != without)


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


def _signature(secret: str, scope: str, text: bytes) -> bytes:
    key = b"AWS4" + secret.encode()
    for element in scope.split("/"):
        key = hmac.digest(key, element.encode(), hashlib.sha256)
    return hmac.digest(key, text, hashlib.sha256).hex().encode()


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(_MOMENT)


def _span(seconds: int) -> str:
    return f"{seconds // 60} min." if seconds % 60 == 0 else f"{seconds} sec."


def _clipped(text: str) -> str:
    return text if len(text) <= ECHOED_CHARACTERS_MAX else text[:ECHOED_CHARACTERS_MAX] + "..."
