"""
Where a wrong secret first differs from the right one can't be told from the time that its refusal takes.

Two wrong ones, one that differs at its beginning and one at its end, are refused in turn, in an order that
nobody chose, and the processor time of this thread is compared by rank: the chance that the late one takes
longer is a half when nothing can be learned.  A busy machine slows both alike.  That the measure catches a
comparison that ends at the first difference is shown by planting one; that nothing is compared with `==`,
which is too quick for it, is held by `tests/shape/test_comparisons.py`.
"""

import base64
import hmac
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cenote.app import build, load_operations
from cenote.domain import clients, srp
from cenote.domain.codes import Code, Purpose
from cenote.domain.powers import BLINDING_BYTES, blinding_of
from cenote.errors import CodeMismatchException, InvalidSignatureException, NotAuthorizedException
from cenote.operations.codes import Channel, known_code, new_promise
from cenote.operations.sign_in import srp as srp_flow
from cenote.operations.sign_in.challenges import Challenge
from cenote.services import Services, begin_call
from cenote.settings import Settings
from cenote.wire import sigv4
from cenote.wire.sigv4 import Claim, Head
from tests.house import PASSWORD, REGION
from tests.srp_client import timestamp

SAMPLES_EACH = 200
ROUNDS_MAX = 5
CHANCE_APART = 0.2  # of a half; the spread of the measure itself is about 0.03 in one round
NOW_S = 1_800_000_000


@dataclass(frozen=True)
class Way:
    """One comparison: what refuses a wrong secret, and the right one that nobody is told."""

    refuse: Callable[[str], None]
    right: str
    letters: str  # of which it consists
    samples: int = SAMPLES_EACH


def wrong_at(way: Way, place: int) -> str:
    """The right secret with another letter at one place."""
    letters = list(way.right)
    letters[place] = next(letter for letter in way.letters if letter != letters[place])
    return "".join(letters)


def chance_that_late_takes_longer(way: Way, seed: int) -> float:
    """How probably one that differs at its end takes longer (the area under the ROC curve)."""
    given = {"early": wrong_at(way, 0), "late": wrong_at(way, len(way.right.rstrip("=")) - 1)}
    order = ["early", "late"] * way.samples
    random.Random(seed).shuffle(order)
    taken: dict[str, list[int]] = {"early": [], "late": []}
    for which in order:
        began = time.thread_time_ns()
        way.refuse(given[which])
        taken[which].append(time.thread_time_ns() - began)
    longer = sum((a > b) + (a == b) / 2 for a in taken["late"] for b in taken["early"])
    return longer / (way.samples * way.samples)


def apart(way: Way) -> float:
    """How far the chance is from a half: of some tries the least, for a machine has its moods."""
    found = 1.0
    for seed in range(ROUNDS_MAX):
        found = min(found, abs(chance_that_late_takes_longer(way, seed) - 0.5))
        if found < CHANCE_APART:
            break
    return found


HEX, BASE64 = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SECRET = clients.new_client_secret(bytes(range(32)))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The seams of a house in this process."""
    opened = build(Settings(data=tmp_path_factory.mktemp("times") / "data"))
    begin_call("test")
    yield opened.services
    opened.close()


def refusing(work: Callable[[], Any], refusal: type[Exception]) -> None:
    try:
        work()
    except refusal:
        return
    raise AssertionError("a wrong secret was accepted")


def secret_hash(_services: Services) -> Way:
    return Way(
        lambda given: refusing(
            lambda: clients.check_secret_hash("client", [SECRET], "ann", given), NotAuthorizedException
        ),
        clients.secret_hash(SECRET, "ann", "client"),
        BASE64,
    )


def client_secret(_services: Services) -> Way:
    return Way(
        lambda given: refusing(
            lambda: clients.check_secret("client", [SECRET], given), NotAuthorizedException
        ),
        SECRET,
        "0123456789abcdefghijklmnopqrstuv",
    )


def signature(_services: Services) -> Way:
    """The signature of an administrator's call."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(NOW_S))
    scope = f"{moment[:8]}/{REGION}/cognito-idp/aws4_request"
    headers = {"host": "localhost", "x-amz-date": moment, "x-amz-target": "Any.ListUserPools"}
    head, names = Head("", headers.get, "127.0.0.1"), tuple(sorted(headers))

    def claim(given: str) -> Claim:
        return Claim(
            key_id="AKIA",
            scope=scope,
            moment=moment,
            signed_headers=names,
            signature=given,
            canonical_query="",
            required_headers=names,
            expires_s=None,
            has_session_token=False,
        )

    def verify(given: str) -> None:
        sigv4.verify(claim(given), head, b"{}", secrets=[SECRET], region=REGION, now_s=NOW_S)

    right = sigv4._signature(SECRET, scope, sigv4._string_to_sign(claim(""), head, b"{}")).decode()
    verify(right)
    return Way(lambda given: refusing(lambda: verify(given), InvalidSignatureException), right, HEX)


def user_of(services: Services) -> tuple[Any, Any]:
    """A pool and a user of it with an address."""
    serve = load_operations()
    pool_id = serve["CreateUserPool"](services, {"PoolName": "p"})["UserPool"]["Id"]
    wanted = {
        "UserPoolId": pool_id,
        "Username": "ann",
        "TemporaryPassword": PASSWORD,
        "MessageAction": "SUPPRESS",
        "UserAttributes": [{"Name": "email", "Value": "ann@example.com"}],
    }
    sub: str = next(
        pair["Value"]
        for pair in serve["AdminCreateUser"](services, wanted)["User"]["Attributes"]
        if pair["Name"] == "sub"
    )
    return services.store.read(lambda tx: (tx.pools.find(pool_id), tx.users.find(sub)))


def verification_code(services: Services) -> Way:
    """A code that was sent; the guess is undone with its transaction, so that it is never one too many."""
    pool, user = user_of(services)
    promise = new_promise(services, pool, user, Channel("email", "ann@example.com"), Purpose.FORGOT_PASSWORD)
    services.store.write(promise.hold)

    def guess(given: str) -> None:
        found = services.store.read(lambda tx: known_code(services, tx, user, Purpose.FORGOT_PASSWORD, given))
        assert isinstance(found, CodeMismatchException)

    known = services.store.read(
        lambda tx: known_code(services, tx, user, Purpose.FORGOT_PASSWORD, promise.message.code)
    )
    assert isinstance(known, Code)
    return Way(guess, promise.message.code, "0123456789")


def proof(services: Services) -> Way:
    """The proof of a password; two powers each, so that there are fewer samples."""
    pool, user = user_of(services)
    secret, client_public = bytes(range(1, 33)), bytes(range(1, 65))
    server_public = srp.public_value(user.password, secret, blinding_of(bytes(BLINDING_BYTES)))
    challenge = Challenge(
        name="PASSWORD_VERIFIER",
        pool_id=pool.pool_id,
        client_id="client",
        sub=user.sub,
        username="ann",
        submitted="ann",
        asked_ms=0,
        session_id="s",
        secret=secret,
        client_public=client_public,
        server_public=server_public,
    )
    said = timestamp()
    key = srp.shared_key(user.password, secret, client_public=client_public, server_public=server_public)
    assert key is not None
    right = base64.b64encode(srp.proof(key, pool.pool_id, "ann", b"block", said)).decode()

    def is_proven(given: str) -> bool:
        claim = (b"block", {"PASSWORD_CLAIM_SIGNATURE": given, "TIMESTAMP": said})
        return srp_flow._is_proven(services, pool, challenge, user, claim)

    def refuse(given: str) -> None:
        assert not is_proven(given)

    assert is_proven(right)
    return Way(refuse, right, BASE64[::4], 60)


@pytest.mark.parametrize("way", [secret_hash, client_secret, signature, verification_code, proof])
def test_it_is_not_told_where_a_wrong_secret_differs(
    services: Services, way: Callable[[Services], Way]
) -> None:
    assert apart(way(services)) < CHANCE_APART


def ends_at_the_first_difference(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("way", [secret_hash, client_secret, signature])
def test_the_measure_catches_a_comparison_that_ends_early(
    services: Services, way: Callable[[Services], Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = way(services)
    monkeypatch.setattr(hmac, "compare_digest", ends_at_the_first_difference)
    assert apart(planted) > CHANCE_APART
