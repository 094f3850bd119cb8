"""
USER_SRP_AUTH and its challenge PASSWORD_VERIFIER: a password is proven and never sent.

The server's half of one exchange travels sealed in SECRET_BLOCK, from which alone it is found again: some
clients send no Session.  Nobody gets the same question as somebody, at the same price, where a client hides
who exists.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from cenote.domain import names, pools, srp
from cenote.domain.limits import Subject
from cenote.domain.registrations import Client, Pool
from cenote.domain.srp import PUBLIC_HEX_DIGITS_MAX, SALT_BYTES, SECRET_BYTES, VERIFIER_BYTES, Verifier
from cenote.domain.users import User
from cenote.errors import InvalidParameterException, NotAuthorizedException
from cenote.operations.attempts import subject_of
from cenote.operations.registered import check_hash
from cenote.operations.sign_in.challenges import Challenge, is_over, opened, sealed
from cenote.operations.sign_in.first_factor import after_password
from cenote.operations.sign_in.lockout import counted_failure, require_unlocked
from cenote.operations.sign_in.password import require_hiding, require_usable
from cenote.operations.sign_in.tokens import Bearer
from cenote.registry import Answer
from cenote.services import Services

PASSWORD_VERIFIER = "PASSWORD_VERIFIER"
CLOCK_SKEW_S_MAX = 300
_TIMESTAMP = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{1,2}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) UTC ([0-9]{4})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def user_srp_auth(services: Services, pool: Pool, client: Client, parameters: Mapping[str, str]) -> Answer:
    """Ask for the proof of a password."""
    username, client_public = parameters["USERNAME"], _public(parameters["SRP_A"])
    check_hash(services, client, username, parameters.get("SECRET_HASH"))
    name = services.pool_secrets.of(pool).blind(username)
    user = services.store.read(lambda tx: tx.users.find_named(pool, name))
    if user is None:
        require_hiding(services, pool, client)
    else:
        require_usable(user)
    kept, shown = _kept(services, pool, user, username), _shown(services, pool, user, username)
    secret = services.random_bytes(SECRET_BYTES)
    server_public = srp.public_value(kept, secret, services.blindings.take())
    challenge = Challenge(
        name=PASSWORD_VERIFIER,
        pool_id=pool.pool_id,
        client_id=client.client_id,
        sub=services.new_id() if user is None else user.sub,
        username=shown,
        submitted=username,
        asked_ms=services.now_ms(),
        session_id=services.new_id(),
        secret=secret,
        client_public=client_public,
        server_public=server_public,
    )
    return {
        "ChallengeName": PASSWORD_VERIFIER,
        "ChallengeParameters": {
            "SALT": _hex(kept.salt),
            "SECRET_BLOCK": base64.b64encode(sealed(services, challenge)).decode(),
            "SRP_B": _hex(server_public),
            "USERNAME": shown,
            "USER_ID_FOR_SRP": shown,
        },
    }


def password_verifier(services: Services, pool: Pool, client: Client, answers: Mapping[str, str]) -> Answer:
    """Go on with a user whose client proved the password."""
    check_hash(services, client, answers["USERNAME"], answers.get("SECRET_HASH"))
    challenge, block = _asked(services, pool, client, answers)
    user = services.store.read(lambda tx: tx.users.find(challenge.sub))
    nobody = subject_of(services, pool, None, challenge.submitted)  # reckoned for everybody: it takes time
    subject = nobody if user is None else Subject(user.sub)
    if user is None:
        services.stand_ins.open(pool)
    else:
        require_usable(user)
    require_unlocked(services, services.store.read(lambda tx: tx.activity.find(subject)))
    if not _is_proven(services, pool, challenge, user, (block, answers)) or user is None:
        raise counted_failure(services, subject)
    return after_password(services, Bearer(pool, client, user), challenge.session_id)


def _asked(
    services: Services, pool: Pool, client: Client, answers: Mapping[str, str]
) -> tuple[Challenge, bytes]:
    """The question that an answer is about, if this client was asked it and it is not over."""
    try:
        block = base64.b64decode(answers["PASSWORD_CLAIM_SECRET_BLOCK"], validate=True)
    except (binascii.Error, ValueError) as failure:
        raise NotAuthorizedException from failure
    if base64.b64encode(block).decode() != answers["PASSWORD_CLAIM_SECRET_BLOCK"]:  # one block, one spelling
        raise NotAuthorizedException
    challenge = opened(services, block)
    if challenge is None or challenge.name != PASSWORD_VERIFIER or is_over(services, client, challenge):
        raise NotAuthorizedException
    if (challenge.pool_id, challenge.client_id) != (pool.pool_id, client.client_id):
        raise NotAuthorizedException
    if answers["USERNAME"] not in (challenge.username, challenge.submitted):
        raise NotAuthorizedException
    return challenge, block


def _is_proven(
    services: Services,
    pool: Pool,
    challenge: Challenge,
    user: User | None,
    claim: tuple[bytes, Mapping[str, str]],
) -> bool:
    """Whether the answer's signature shows the password; as dear for nobody as for somebody."""
    block, answers = claim
    kept = _kept(services, pool, user, challenge.submitted)
    key = services.gate.run(
        lambda: srp.shared_key(
            kept,
            challenge.secret,
            client_public=challenge.client_public,
            server_public=challenge.server_public,
        )
    )
    try:
        given = base64.b64decode(answers["PASSWORD_CLAIM_SIGNATURE"], validate=True)
    except (binascii.Error, ValueError):
        return False
    timestamp = answers["TIMESTAMP"]
    if key is None or not _is_timely(services, timestamp):
        return False
    return hmac.compare_digest(srp.proof(key, pool.pool_id, challenge.username, block, timestamp), given)


def _kept(services: Services, pool: Pool, user: User | None, username: str) -> Verifier:
    """What is kept of the user's password; for nobody something that stays the same for the same name."""
    seed = f"nobody's password|{pool.pool_id}|{_folded(pool, username)}".encode()
    pieces = [services.keyed_digest(seed + bytes([number])) for number in range(VERIFIER_BYTES // 32 + 1)]
    raw = b"".join(pieces)
    if user is not None and user.password is not None:
        return user.password
    return Verifier(raw[:SALT_BYTES], raw[SALT_BYTES : SALT_BYTES + VERIFIER_BYTES])


def _shown(services: Services, pool: Pool, user: User | None, username: str) -> str:
    """The name to compute with: the real one; for nobody what theirs would look like."""
    if user is not None:
        return user.username
    if not pools.username_attributes(pool.document) and not pools.alias_attributes(pool.document):
        return _folded(pool, username)
    raw = services.keyed_digest(f"nobody's sub|{pool.pool_id}|{_folded(pool, username)}".encode()).hex()
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:32]}"


def _folded(pool: Pool, username: str) -> str:
    return names.fold(username, pools.is_case_sensitive(pool.document))


def _public(text: str) -> bytes:
    if not re.fullmatch("[0-9a-fA-F]+", text) or len(text) > PUBLIC_HEX_DIGITS_MAX:
        raise InvalidParameterException("Invalid SRP_A")
    return int(text, 16).to_bytes((len(text) + 1) // 2, "big").lstrip(b"\0") or b"\0"


def _hex(raw: bytes) -> str:
    return f"{int.from_bytes(raw, 'big'):x}"


def _is_timely(services: Services, text: str) -> bool:
    """Whether the time that was signed is now, give or take; the live tolerance is not known."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return False
    _day, month, *numbers = found.groups()
    day, hour, minute, second, year = (int(number) for number in numbers)
    try:
        said = datetime(year, _MONTHS.index(month) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return False
    return abs(said.timestamp() - services.wall_ms() / 1000) <= CLOCK_SKEW_S_MAX
