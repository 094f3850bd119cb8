"""
Forged challenges: none goes on with a sign-in, by any operation that takes a `Session`, and none passes for
the SECRET_BLOCK of a password proof, not even with the right proof over it.
"""

import base64
import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.everyday import one_in_five
from tests.house import PASSWORD, House, Tenant
from tests.srp_client import SrpClient, timestamp
from tests.wire import session_forgeries as forgeries
from tests.wire.craft import server_secret_of
from tests.wire.session_forgeries import Forgery, Scene
from tests.wire.steps import status_of
from tests.wire.takers import Line, Outcome, least_request, takers_of

OWN = "My-own-horse2"
FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
INVALID = (400, "NotAuthorizedException", "Invalid session for the user.")
EXPIRED = (400, "NotAuthorizedException", "Invalid session for the user, session is expired.")
USED = (400, "NotAuthorizedException", "Invalid session for the user, session can only be used once.")
INCORRECT = (400, "NotAuthorizedException", "Incorrect username or password.")
GONE = (400, "UserNotFoundException", "User does not exist.")
FORGERIES_EACH_MIN = 60
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
ANSWERING = ("RespondToAuthChallenge", "AdminRespondToAuthChallenge")
NOBODY = "00000000-0000-4000-8000-000000000000"


class Town:
    """A pool of people who must set a password, and one who proves theirs."""

    def __init__(self, house: House) -> None:
        configured = {"ExplicitAuthFlows": FLOWS, "AuthSessionValidity": 15}
        self.tenant = Tenant(house, client=configured)
        self.pool_id, self.client_id = self.tenant.pool_id, self.tenant.client_id
        self.other_client = self.tenant.new_client(**configured)["ClientId"]
        self.tenant.sign_up("prover")
        for name in ("made", "other", "spent", "control"):
            self.make(name)

    def make(self, name: str) -> None:
        """A user who must set a password of their own."""
        self.tenant.cognito.admin_create_user(
            UserPoolId=self.pool_id, Username=name, TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
        )

    def session(self, name: str = "made", client_id: str | None = None) -> str:
        """The genuine Session of whoever must set a password."""
        answer = self.tenant.cognito.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )
        session: str = answer["Session"]
        return session

    def asked(self, client: SrpClient, client_id: str | None = None, name: str = "prover") -> dict[str, str]:
        """The parameters of a genuine PASSWORD_VERIFIER challenge."""
        answer = self.tenant.cognito.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": name, "SRP_A": client.public},
        )
        parameters: dict[str, str] = answer["ChallengeParameters"]
        return parameters

    def request(self, operation: str, session: str, name: str = "made") -> dict[str, Any]:
        """What goes on with a sign-in; where a session alone is worth nothing, everything else is wrong."""
        known: dict[str, dict[str, Any]] = {
            "AdminInitiateAuth": {"UserPoolId": self.pool_id}
            | _sign_in_of_nobody("ADMIN_USER_PASSWORD_AUTH"),
            "InitiateAuth": _sign_in_of_nobody("USER_PASSWORD_AUTH"),
            "ConfirmSignUp": {"Username": "nobody", "ConfirmationCode": "000000"},
            "RespondToAuthChallenge": _new_password(name),
            "AdminRespondToAuthChallenge": {"UserPoolId": self.pool_id} | _new_password(name),
        }
        wanted = known.get(operation, least_request(operation))
        return wanted | {"ClientId": self.client_id, "Session": session}


def _sign_in_of_nobody(flow: str) -> dict[str, Any]:
    return {"AuthFlow": flow, "AuthParameters": {"USERNAME": "nobody", "PASSWORD": PASSWORD}}


def _new_password(name: str) -> dict[str, Any]:
    responses = {"USERNAME": name, "NEW_PASSWORD": OWN}
    return {"ChallengeName": "NEW_PASSWORD_REQUIRED", "ChallengeResponses": responses}


def spelled(raw: bytes) -> str:
    """A Session's one spelling."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unspelled(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _loose_bits(text: str) -> str:
    """Another spelling of the same bytes; a letter more where their number leaves no bit over."""
    end, alphabet = text.rstrip("="), LETTERS + ("+/" if "+" in text or "/" in text else "-_")
    if len(end) % 4 == 0:
        return text + "A"
    return end[:-1] + alphabet[alphabet.index(end[-1]) ^ 1] + text[len(end) :]


OTHER_ALPHABET = str.maketrans("+/-_", "-_+/")
RESPELLED: dict[str, Callable[[str], str]] = {
    "the other alphabet": lambda text: text.translate(OTHER_ALPHABET),
    "padded": lambda text: text + "=" * (-len(text) % 4 or 4),
    "padded too much": lambda text: text + "====",
    "loose bits": _loose_bits,
    "a space before": lambda text: f" {text}",
    "a newline behind": lambda text: f"{text}\n",
    "a newline inside": lambda text: f"{text[:64]}\n{text[64:]}",
    "a NUL behind": lambda text: f"{text}\0",
    "in small letters": str.lower,
    "in percent": lambda text: "%41" + text[1:],
    "full-width letters": lambda text: "\uff21" + text[1:],
    "hex": lambda text: unspelled(text.rstrip("=").translate(str.maketrans("+/", "-_"))).hex(),
    "twice with a dot": lambda text: f"{text}.{text}",
    "as long as may be": lambda text: text + "A" * (4_096 - len(text)),
}


@pytest.fixture(scope="module")
def town(house: House) -> Town:
    """The people."""
    return Town(house)


@pytest.fixture(scope="module")
def line(house: House) -> Iterator[Line]:
    opened = Line(house.port)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def scene(house: House, town: Town, line: Line) -> Iterator[Scene]:
    """A genuine Session and all that a forger has; in the end it is good, and everybody as they were."""
    client, elsewhere = SrpClient(town.pool_id, PASSWORD), Town(house)
    laid = Scene(
        genuine=unspelled(town.session()),
        others={
            "user": unspelled(town.session("other")),
            "client": unspelled(town.session(client_id=town.other_client)),
            "pool": unspelled(elsewhere.session()),
            "kind": base64.b64decode(town.asked(client)["SECRET_BLOCK"]),
        },
        secret=server_secret_of(house),
    )
    yield laid
    assert status_of(town.tenant, "made") == status_of(town.tenant, "other") == "FORCE_CHANGE_PASSWORD"
    status, answer = line.answer(ANSWERING[0], town.request(ANSWERING[0], spelled(laid.genuine)))
    assert (status, "AuthenticationResult" in answer) == (200, True)


def hold(line: Line, town: Town, session: str, refusal: Outcome, name: str = "made") -> None:
    """The operations that go on with a sign-in refuse so, and the others give nothing for it either."""
    for operation in takers_of("Session"):
        met = line.outcome(operation, town.request(operation, session, name))
        assert met == refusal if operation in ANSWERING else met[0] == 400, (operation, met)


def each(group: Mapping[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("forge", one_in_five(group))


def test_the_controls_are_accepted(line: Line, town: Town, scene: Scene) -> None:
    own = Scene(unspelled(town.session("control")), scene.others, scene.secret)
    resealed = spelled(forgeries.genuine_resealed(own))
    status, answer = line.answer(ANSWERING[1], town.request(ANSWERING[1], resealed, "control"))
    assert (status, "AuthenticationResult" in answer) == (200, True)


def test_every_operation_meets_more_than_enough() -> None:
    assert set(ANSWERING) < set(takers_of("Session"))
    assert len(forgeries.BROKEN) >= FORGERIES_EACH_MIN


@each(forgeries.BROKEN)
def test_what_the_server_did_not_seal_is_invalid(
    line: Line, town: Town, scene: Scene, forge: Forgery
) -> None:
    hold(line, town, spelled(forge(scene)).ljust(20, "A"), INVALID)


@each(forgeries.MISSAID)
def test_a_true_seal_about_anything_else_is_invalid(
    line: Line, town: Town, scene: Scene, forge: Forgery
) -> None:
    hold(line, town, spelled(forge(scene)), INVALID)


@each(RESPELLED)
def test_a_session_has_one_spelling(
    line: Line, town: Town, scene: Scene, forge: Callable[[str], str]
) -> None:
    forged = forge(spelled(scene.genuine))
    assert forged != spelled(scene.genuine)
    hold(line, town, forged, INVALID)


@pytest.mark.parametrize("whose", forgeries.WHOSE)
def test_another_s_session_is_that_one_s(line: Line, town: Town, scene: Scene, whose: str) -> None:
    hold(line, town, spelled(scene.others[whose]), INVALID)


def test_a_session_is_its_user_s(line: Line, town: Town, scene: Scene) -> None:
    hold(line, town, spelled(forgeries.saying(sub=NOBODY)(scene)), GONE)


def test_a_session_is_for_the_temporary_password_that_began_it(line: Line, town: Town, scene: Scene) -> None:
    hold(line, town, spelled(forgeries.saying(temporary_since_ms=1)(scene)), INVALID)


@pytest.mark.parametrize("asked_ms", [0, -1, -(2**63)])
def test_a_session_may_say_that_it_began_long_ago(
    line: Line, town: Town, scene: Scene, asked_ms: int
) -> None:
    hold(line, town, spelled(forgeries.saying(asked_ms=asked_ms)(scene)), EXPIRED)


def test_a_spent_session_is_spent(line: Line, town: Town) -> None:
    first, second = town.session("spent"), town.session("spent")
    status, _answer = line.answer(ANSWERING[0], town.request(ANSWERING[0], first, "spent"))
    assert status == 200
    for session in (first, second):
        hold(line, town, session, INVALID, "spent")


@settings(max_examples=100, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 1 << 12), st.text("ABCabc019-_=", max_size=3)), min_size=1))
def test_no_edit_of_a_genuine_session_is_accepted(
    line: Line, town: Town, scene: Scene, cuts: list[tuple[int, str]]
) -> None:
    forged = genuine = spelled(scene.genuine)
    for place, letters in cuts:
        at = place % len(forged)
        forged = forged[:at] + letters + forged[at + 1 :]
    if forged != genuine:
        assert line.outcome(ANSWERING[0], town.request(ANSWERING[0], forged)) == INVALID


class Prover:
    """Somebody who knows the password and signs whatever block they like."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.client = SrpClient(town.pool_id, PASSWORD)
        self.asked = town.asked(self.client)
        self.block = base64.b64decode(self.asked["SECRET_BLOCK"])
        self._key = self.client._key(self.asked, self.asked["USER_ID_FOR_SRP"])

    def request(self, block: bytes, text: str | None = None) -> dict[str, Any]:
        """The answer to the challenge with the right proof over this block, in this spelling of it."""
        said, suffix = timestamp(), self._town.pool_id.partition("_")[2]
        signed = f"{suffix}prover".encode() + block + said.encode()
        responses = {
            "USERNAME": "prover",
            "PASSWORD_CLAIM_SECRET_BLOCK": base64.b64encode(block).decode() if text is None else text,
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(hmac.digest(self._key, signed, "sha256")).decode(),
            "TIMESTAMP": said,
        }
        return {
            "UserPoolId": self._town.pool_id,
            "ClientId": self._town.client_id,
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": responses,
        }


@pytest.fixture(scope="module")
def prover(town: Town, line: Line) -> Iterator[Prover]:
    """A sign-in by proof under way; after all forgeries, which lock nobody out, it comes to its end."""
    opened = Prover(town)
    yield opened
    assert line.answer(ANSWERING[0], opened.request(opened.block))[0] == 200
    assert line.outcome(ANSWERING[0], opened.request(opened.block)) == USED


@pytest.fixture(scope="module")
def blocks(house: House, town: Town, prover: Prover) -> Scene:
    """The genuine block and those of others."""
    elsewhere = Town(house)
    return Scene(
        genuine=prover.block,
        others={
            "user": base64.b64decode(town.asked(prover.client, name="made")["SECRET_BLOCK"]),
            "client": base64.b64decode(town.asked(prover.client, town.other_client)["SECRET_BLOCK"]),
            "pool": base64.b64decode(elsewhere.asked(prover.client)["SECRET_BLOCK"]),
            "kind": unspelled(town.session()),
        },
        secret=server_secret_of(house),
    )


def refuse(line: Line, request: dict[str, Any]) -> None:
    """Both operations that take a block refuse it, and nothing is counted against the user for it."""
    for operation in ANSWERING:
        assert line.outcome(operation, request) == INCORRECT


@each(forgeries.BROKEN)
def test_a_block_that_the_server_did_not_seal_proves_nothing(
    line: Line, prover: Prover, blocks: Scene, forge: Forgery
) -> None:
    forged = forge(blocks)
    assert forged != prover.block
    refuse(line, prover.request(forged))


@each(forgeries.MISSAID)
def test_a_true_seal_about_anything_else_proves_nothing(
    line: Line, prover: Prover, blocks: Scene, forge: Forgery
) -> None:
    refuse(line, prover.request(forge(blocks)))


@pytest.mark.parametrize("whose", forgeries.WHOSE)
def test_another_s_block_proves_nothing(line: Line, prover: Prover, blocks: Scene, whose: str) -> None:
    refuse(line, prover.request(blocks.others[whose]))


@each({name: spell for name, spell in RESPELLED.items() if name != "as long as may be"})
def test_a_block_has_one_spelling(line: Line, prover: Prover, forge: Callable[[str], str]) -> None:
    text = forge(prover.asked["SECRET_BLOCK"])
    refuse(line, prover.request(prover.block, text))


def test_a_block_that_is_over_proves_nothing(line: Line, prover: Prover, blocks: Scene) -> None:
    refuse(line, prover.request(forgeries.saying(asked_ms=0)(blocks)))
