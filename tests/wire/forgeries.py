"""
Forged access tokens by name: each a way from what a forger holds to the text that is sent.

Grouped by what they are refused with.  The last two groups are made with the pool's own private key, which
nobody outside has: what the server never signs by itself is refused all the same.
"""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from cenote.vault.signing import SigningKey
from tests.wire.craft import claims_of, decoded, encoded, signed
from tests.wire.forger import (
    SECRETS,
    Forgery,
    Scene,
    hs256,
    json_of,
    private_of,
    rs256,
    signing_input,
    token,
)

MEGABYTE = 1_000_000
DEEP = 4_000  # beyond Python's own limit of 1,000, in a token that is not too long yet
SIGNATURE_BYTES = 256
URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _alg(name: object) -> Forgery:
    return lambda scene: token(scene.head(alg=name), scene.body(), b"")


def _alg_with_genuine_signature(name: str) -> Forgery:
    return lambda scene: token(scene.head(alg=name), scene.body(), decoded(scene.parts()[2]))


def _public_key_as_secret(secret: Callable[[SigningKey], bytes], alg: str = "HS256") -> Forgery:
    return lambda scene: hs256(scene.head(alg=alg), scene.body(), secret(scene.pool.access))


def _kid(kid: object) -> Forgery:
    return lambda scene: rs256(scene.head(kid=kid), scene.body(), scene.own)


def _header(**members: object) -> Forgery:
    return lambda scene: rs256(scene.head(**members), scene.body(), scene.own)


def _own_jwk(scene: Scene) -> dict[str, Any]:
    return scene.own.verification_key().as_jwk()


def _raw_header(make: Callable[[Scene], bytes]) -> Forgery:
    return lambda scene: rs256(make(scene), scene.body(), scene.own)


def _raw_body(make: Callable[[Scene], bytes]) -> Forgery:
    return lambda scene: rs256(scene.head(), make(scene), scene.own)


def _genuine_signature(**claims: object) -> Forgery:
    return lambda scene: token(scene.head(), scene.body(**claims), decoded(scene.parts()[2]))


def _signature(change: Callable[[bytes], bytes]) -> Forgery:
    return lambda scene: token(scene.head(), scene.body(), change(decoded(scene.parts()[2])))


def _flipped(bit: int) -> Forgery:
    def flip(signature: bytes) -> bytes:
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    return _signature(flip)


def _part(place: int, change: Callable[[str], str]) -> Forgery:
    def forge(scene: Scene) -> str:
        parts = scene.parts()
        parts[place] = change(parts[place])
        return ".".join(parts)

    return forge


def _loose_bits(part: str) -> str:
    """Another spelling of the same bytes, if their number leaves bits over; else a letter more."""
    if len(part) % 4 == 0:
        return part + "A"
    return part[:-1] + URL_ALPHABET[URL_ALPHABET.index(part[-1]) ^ 1]


def _plus_modulus(scene: Scene) -> str:
    """The genuine signature's other representative, as long as a signature can be: s + n."""
    number = (
        int.from_bytes(decoded(scene.parts()[2]))
        + private_of(scene.pool.access).public_key().public_numbers().n
    )
    return token(scene.head(), scene.body(), number.to_bytes(SIGNATURE_BYTES + 1).lstrip(b"\0"))


def _nest(opening: bytes, closing: bytes, around: bytes = b"1") -> bytes:
    return opening * DEEP + around + closing * DEEP


def _with_member(document: bytes, member: bytes) -> bytes:
    return document[:-1] + b"," + member + b"}"


# Refused as "Invalid Access Token": no token at all, or one that no key of ours can have signed.
INVALID: dict[str, Forgery] = {
    **{
        f"alg {name!r} and no signature": _alg(name) for name in ("none", "None", "NONE", "nOnE", "none ", "")
    },
    **{f"alg {name!r}": _alg(name) for name in (None, 0, ["RS256"], {"RS256": 1}, True)},
    **{
        f"alg {name!r} and the genuine signature": _alg_with_genuine_signature(name)
        for name in (
            "none",
            "HS256",
            "RS384",
            "RS512",
            "PS256",
            "ES256",
            "EdDSA",
            "rs256",
            "RS256 ",
            "\0RS256",
        )
    },
    **{
        f"HS256 under the public key as {name}": _public_key_as_secret(secret)
        for name, secret in SECRETS.items()
    },
    **{
        f"kid {str(kid)[:40]!r}": _kid(kid)
        for kid in (
            None,
            "",
            "unknown",
            "A" * 43 + "=",
            "A" * 100_000,
            "../../../../../../dev/null",
            "/dev/null",
            "' or '1'='1",
            "' union select kid, pool_id, use, public from verification_keys--",
            "x' or kid like '%",
            "%",
            "\0",
            "https://evil.example.com/jwks.json",
            0,
            True,
            ["a"],
            {"a": "b"},
        )
    },
    "kid of the pool with a NUL behind": lambda scene: rs256(
        scene.head(kid=f"{scene.kid}\0"), scene.body(), scene.own
    ),
    "kid of the pool in a list": lambda scene: rs256(scene.head(kid=[scene.kid]), scene.body(), scene.own),
    "kid of the pool in lower case": lambda scene: rs256(
        scene.head(kid=scene.kid.lower()), scene.body(), scene.own
    ),
    "another pool's key under its own kid": lambda scene: rs256(
        scene.head(kid=scene.foreign.access.kid), scene.body(), scene.foreign.access
    ),
    "another pool's key and issuer under the pool's kid": lambda scene: rs256(
        scene.head(), scene.body(iss=claims_of(scene.foreign_access)["iss"]), scene.foreign.access
    ),
    "the ID key for an access token": lambda scene: rs256(
        scene.head(kid=scene.pool.id.kid), scene.body(), scene.pool.id
    ),
    "the ID token": lambda scene: scene.identity,
    "the ID token that calls itself an access token": lambda scene: rs256(
        scene.head(kid=scene.pool.id.kid),
        json_of(claims_of(scene.identity) | {"token_use": "access"}),
        scene.own,
    ),
    "the refresh token": lambda scene: scene.refresh,
    "header typ": _header(typ="JWT"),
    "header jwk": lambda scene: rs256(scene.head(jwk=_own_jwk(scene)), scene.body(), scene.own),
    "header jwk without a kid": lambda scene: rs256(
        scene.head(kid=None, jwk=_own_jwk(scene)), scene.body(), scene.own
    ),
    "header jku": _header(jku="https://evil.example.com/jwks.json"),
    "header x5u": _header(x5u="https://evil.example.com/x5u.pem"),
    "header x5c": _header(x5c=["MIIB"]),
    "header x5t": _header(x5t="abc"),
    "header crit": _header(crit=["exp"]),
    "header crit of nothing": _header(crit=[]),
    "header crit that is no list": _header(crit=5),
    "header b64 false": lambda scene: f"{encoded(scene.head(b64=False, crit=['b64']))}..{scene.parts()[2]}",
    "header zip": _header(zip="DEF"),
    "header cty": _header(cty="JWT"),
    "header enc": _header(alg="dir", enc="A256GCM"),
    "header twice the alg": _raw_header(lambda scene: scene.head()[:-1] + b',"alg":"none"}'),
    "header twice the kid": _raw_header(lambda scene: scene.head()[:-1] + b',"kid":"unknown"}'),
    "header that is a list": _raw_header(lambda _scene: b'["RS256"]'),
    "header that is a text": _raw_header(lambda _scene: b'"RS256"'),
    "header that is null": _raw_header(lambda _scene: b"null"),
    "header that is empty": _raw_header(lambda _scene: b"{}"),
    "header that is no JSON": _raw_header(lambda _scene: b"kid=1;alg=RS256"),
    "header with a byte order mark": _raw_header(lambda scene: b"\xef\xbb\xbf" + scene.head()),
    "header in UTF-16": _raw_header(lambda scene: scene.head().decode().encode("utf-16")),
    "header that is no UTF-8": _raw_header(
        lambda scene: scene.head(kid="\xff").replace(b"\xc3\xbf", b"\xff")
    ),
    "header with half a surrogate pair": _raw_header(lambda _scene: b'{"kid":"\\ud800","alg":"RS256"}'),
    "header with something behind it": _raw_header(lambda scene: scene.head() + b"{}"),
    "header with a deep nest": _raw_header(
        lambda scene: _with_member(scene.head(), b'"z":' + _nest(b"[", b"]"))
    ),
    "header that is a deep nest": _raw_header(lambda _scene: _nest(b"[", b"]")),
    "header of a megabyte": _header(z="A" * MEGABYTE),
    "payload that is a list": _raw_body(lambda _scene: b"[]"),
    "payload that is a text": _raw_body(lambda _scene: b'"access"'),
    "payload that is null": _raw_body(lambda _scene: b"null"),
    "payload that is empty": _raw_body(lambda _scene: b"{}"),
    "payload of nothing": _raw_body(lambda _scene: b""),
    "payload that is no JSON": _raw_body(lambda _scene: b"sub=ann"),
    "payload in UTF-16": _raw_body(lambda scene: scene.body().decode().encode("utf-16")),
    "payload that is no UTF-8": _raw_body(
        lambda scene: scene.body(username="\xff").replace(b"\xc3\xbf", b"\xff")
    ),
    "payload with a deep nest of lists": _raw_body(
        lambda scene: _with_member(scene.body(), b'"z":' + _nest(b"[", b"]"))
    ),
    "payload with a deep nest of objects": _raw_body(
        lambda scene: _with_member(scene.body(), b'"z":' + b'{"":' * 2_000 + b"1" + b"}" * 2_000)
    ),
    "payload with something behind it": _raw_body(lambda scene: scene.body() + b"{}"),
    "payload with a number beyond all numbers": _raw_body(
        lambda scene: _with_member(scene.body(exp=None), b'"exp":1e999')
    ),
    "payload with NaN": _raw_body(lambda scene: _with_member(scene.body(exp=None), b'"exp":NaN')),
    "payload of a megabyte": _raw_body(lambda scene: scene.body(z="A" * MEGABYTE)),
    "payload of another pool": _genuine_signature(iss="https://evil.example.com/pool"),
    "payload of an ID token": _genuine_signature(token_use="id"),
    "payload twice with the last one wrong": _raw_body(
        lambda scene: _with_member(scene.body(), b'"token_use":"id"')
    ),
    "a header alone": lambda scene: scene.parts()[0],
    "two parts": lambda scene: ".".join(scene.parts()[:2]),
    "four parts": lambda scene: f"{scene.access}.{scene.parts()[2]}",
    "five parts, as a JWE has": lambda scene: ".".join([*scene.parts(), "AAAA", "AAAA"]),
    "a dot before": lambda scene: f".{scene.access}",
    "a dot behind": lambda scene: f"{scene.access}.",
    "an empty header": _part(0, lambda _part: ""),
    "an empty payload": _part(1, lambda _part: ""),
    "the header cut": _part(0, lambda part: part[:-4]),
    "the header cut at its start": _part(0, lambda part: part[4:]),
    "the payload cut": _part(1, lambda part: part[:-4]),
    "the payload cut at its start": _part(1, lambda part: part[4:]),
    "the signature cut by a letter": _part(2, lambda part: part[:-1]),
    "the token cut at its start": lambda scene: scene.access[1:],
    "the token twice": lambda scene: scene.access * 2,
    "the header padded": _part(0, lambda part: part + "=" * (-len(part) % 4 or 4)),
    "the payload padded": _part(1, lambda part: part + "=" * (-len(part) % 4 or 4)),
    "the signature padded": _part(2, lambda part: part + "=="),
    "the signature padded too much": _part(2, lambda part: part + "===="),
    "the header with loose bits": _part(0, _loose_bits),
    "the payload with loose bits": _part(1, _loose_bits),
    "the signature with loose bits": _part(2, _loose_bits),
    "the parts in another order": lambda scene: ".".join(reversed(scene.parts())),
    "a megabyte of letters": lambda _scene: "A" * MEGABYTE,
    "a megabyte of dots": lambda _scene: "." * MEGABYTE,
    "a signature of a megabyte": lambda scene: f"{scene.access}{'A' * MEGABYTE}",
}

# Refused by their signature: a header and a payload that could be ours.
UNVERIFIED: dict[str, Forgery] = {
    "the forger's key under the pool's kid": lambda scene: rs256(scene.head(), scene.body(), scene.own),
    "another pool's key under the pool's kid": lambda scene: rs256(
        scene.head(), scene.body(), scene.foreign.access
    ),
    "the ID key under the access key's kid": lambda scene: rs256(scene.head(), scene.body(), scene.pool.id),
    "the pool's key with SHA-512": lambda scene: rs256(
        scene.head(), scene.body(), scene.pool.access, hashes.SHA512()
    ),
    "the pool's key with PSS": lambda scene: token(
        scene.head(),
        scene.body(),
        private_of(scene.pool.access).sign(
            signing_input(scene.head(), scene.body()),
            padding.PSS(padding.MGF1(hashes.SHA256()), 32),
            hashes.SHA256(),
        ),
    ),
    **{
        f"RS256 that is HS256 under the public key as {name}": _public_key_as_secret(secret, "RS256")
        for name, secret in SECRETS.items()
    },
    "alg none before RS256": lambda scene: token(
        b'{"alg":"none","kid":"' + scene.kid.encode() + b'","alg":"RS256"}', scene.body(), b""
    ),
    "kid unknown before the pool's": lambda scene: rs256(
        b'{"kid":"unknown","kid":"' + scene.kid.encode() + b'","alg":"RS256"}', scene.body(), scene.own
    ),
    "no signature": _part(2, lambda _part: ""),
    "the signature cut by a byte": _part(2, lambda part: part[:-2]),
    "the signature of another token": lambda scene: ".".join(
        [*scene.parts()[:2], scene.another.split(".")[2]]
    ),
    "the signature of the ID token": lambda scene: ".".join(
        [*scene.parts()[:2], scene.identity.split(".")[2]]
    ),
    "the payload of another token": lambda scene: ".".join(
        [scene.parts()[0], scene.another.split(".")[1], scene.parts()[2]]
    ),
    **{f"bit {bit} of the signature flipped": _flipped(bit) for bit in (0, 7, 1000, 2040, 2047)},
    "a signature of zeros": _signature(lambda _signature: bytes(SIGNATURE_BYTES)),
    "a signature of ones": _signature(lambda _signature: b"\xff" * SIGNATURE_BYTES),
    "a signature that is one": _signature(lambda _signature: b"\1"),
    "a signature with a zero before": _signature(lambda signature: b"\0" + signature),
    "a signature with a zero behind": _signature(lambda signature: signature + b"\0"),
    "a signature backwards": _signature(lambda signature: signature[::-1]),
    "a signature plus the modulus": _plus_modulus,
    "the payload with a space": lambda scene: token(
        scene.head(), scene.body().replace(b":", b": ", 1), decoded(scene.parts()[2])
    ),
    "the header in another order": lambda scene: token(
        b'{"alg":"RS256","kid":"' + scene.kid.encode() + b'"}', scene.body(), decoded(scene.parts()[2])
    ),
    "twice the sub": _raw_body(lambda scene: b'{"sub":"someone",' + scene.body()[1:]),
    "twice the exp": _raw_body(lambda scene: _with_member(scene.body(), b'"exp":99999999999')),
    "another sub": _genuine_signature(sub="00000000-0000-4000-8000-000000000000"),
    "another user name": _genuine_signature(username="bob"),
    "another client": _genuine_signature(client_id="0" * 26),
    "a longer life": _genuine_signature(exp=99_999_999_999),
    "an end beyond all ends": _genuine_signature(exp=10**18),
    "more scopes": _genuine_signature(scope="aws.cognito.signin.user.admin openid"),
    "another session": _genuine_signature(origin_jti="00000000-0000-4000-8000-000000000000"),
    "no session": _genuine_signature(origin_jti=None),
    "nbf": _genuine_signature(nbf=99_999_999_999),
    "aud": _genuine_signature(aud="0" * 26),
    "groups": _genuine_signature(**{"cognito:groups": ["admin"]}),
}

# Refused by the model: letters that no token has.
UNTOKENLIKE: dict[str, Forgery] = {
    "the standard alphabet": lambda scene: scene.access.replace("-", "+").replace("_", "/") + "+",
    "a space before": lambda scene: f" {scene.access}",
    "a space behind": lambda scene: f"{scene.access} ",
    "a newline behind": lambda scene: f"{scene.access}\n",
    "a newline between the parts": lambda scene: scene.access.replace(".", ".\n"),
    "a NUL behind": lambda scene: f"{scene.access}\0",
    "a word before": lambda scene: f"Bearer {scene.access}",
    "dots in percent": lambda scene: scene.access.replace(".", "%2E"),
    "full-width dots": lambda scene: scene.access.replace(".", "\uff0e"),
    "a zero-width space": lambda scene: f"\u200b{scene.access}",
    "the JSON form of a JWS": lambda scene: '{{"protected":"{}","payload":"{}","signature":"{}"}}'.format(
        *scene.parts()
    ),
    "two tokens": lambda scene: f"{scene.access},{scene.another}",
    "a megabyte of quotes": lambda _scene: "'" * MEGABYTE,
    "nothing": lambda _scene: "",
}


def _said(**claims: object) -> Forgery:
    def forge(scene: Scene) -> str:
        changed = claims_of(scene.access) | claims
        return signed(
            scene.pool.access, {name: value for name, value in changed.items() if value != LEFT_OUT}
        )

    return forge


LEFT_OUT = object()
_NO_TEXTS: tuple[object, ...] = (None, 1, True, ["access"], {"a": "b"})
_NO_TIMES: tuple[object, ...] = (None, True, "99999999999", 99_999_999_999.5, 1e18, [], {"a": 1})
_TEXTS = ("sub", "iss", "client_id", "token_use", "username", "event_id")

# Truly signed by the pool's key, and still no access token: a claim is missing or of another type.
MISSAID: dict[str, Forgery] = {
    **{f"{name} left out": _said(**{name: LEFT_OUT}) for name in (*_TEXTS, "exp")},
    **{f"{name} is {value!r}": _said(**{name: value}) for name in (*_TEXTS, "scope") for value in _NO_TEXTS},
    **{f"exp is {value!r}": _said(exp=value) for value in _NO_TIMES},
    "origin_jti is a number": _said(origin_jti=1),
    "origin_jti is a list": _said(origin_jti=["a"]),
    "token_use in capitals": _said(token_use="ACCESS"),
    "token_use of a refresh token": _said(token_use="refresh"),
    "the issuer with a slash": lambda scene: _said(iss=claims_of(scene.access)["iss"] + "/")(scene),
    "the issuer of AWS": lambda scene: _said(
        iss="https://cognito-idp.us-east-1.amazonaws.com/" + claims_of(scene.access)["iss"].rpartition("/")[2]
    )(scene),
    "a header with a typ": lambda scene: rs256(scene.head(typ="JWT"), scene.body(), scene.pool.access),
    "a header with crit": lambda scene: rs256(scene.head(crit=["exp"]), scene.body(), scene.pool.access),
    "b64 false": lambda scene: rs256(scene.head(b64=False, crit=["b64"]), scene.body(), scene.pool.access),
}

# Truly signed, and over.
ENDED: dict[str, Forgery] = {f"exp is {value}": _said(exp=value) for value in (0, -1, -(10**18), -(2**63))}
