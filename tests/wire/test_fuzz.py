"""
Whatever is sent to an operation that is served: an answer or a refusal of AWS's, soon, and a refusal stores
nothing.

Everyday a fixed set of bodies is sent.  With `FUZZ_EXAMPLES=1000` each operation gets as many, and other ones
each time.
"""

import http.client
import json
import os
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from cenote import errors
from cenote.app import load_operations
from tests.by_hand import CONTENT_TYPE, TARGET_PREFIX
from tests.house import MODEL, PASSWORD, House, Tenant
from tests.nursery import QuickHouse
from tests.wire.bodies import bodies, rendered

SERVED = sorted(load_operations())
EVERYDAY_EXAMPLES = 1_200  # over all operations
ASKED = os.environ.get("FUZZ_EXAMPLES")
EXAMPLES = int(ASKED) if ASKED else max(5, EVERYDAY_EXAMPLES // len(SERVED))
ANSWER_WAIT_S_MAX = 10
READING = ("AdminGet", "AdminList", "Describe", "Get", "List")
KEPT = ("pools", "clients", "users", "keys", "names", "client_secrets", "user_groups")
COUNTS = " union all ".join(f"select '{table}', count(*) from {table}" for table in KEPT)  # noqa: S608 - no input
PROFILE = settings(
    max_examples=EXAMPLES,
    derandomize=ASKED is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class World:
    """A server with a pool, two clients, a group and two users, and a connection to it that stays open."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=ANSWER_WAIT_S_MAX)
        self.rows = sqlite3.connect(f"file:{house.data / 'cenote.db'}?mode=ro", uri=True)
        self.known: dict[str, str] = {}
        self.is_worn = True

    def furnish(self) -> None:
        """Make what the bodies name, anew if a call that succeeded may have changed it."""
        if not self.is_worn:
            return
        self.is_worn = False
        tenant = Tenant(self.house, pool={"DeletionProtection": "ACTIVE"})
        pool = tenant.cognito.describe_user_pool(UserPoolId=tenant.pool_id)["UserPool"]
        tenant.cognito.create_group(UserPoolId=tenant.pool_id, GroupName="staff")
        tokens = tenant.user("ann", email="ann@example.com")
        tenant.sign_up("bob", confirmed=False, email="bob@example.com")
        self.known = {
            "pool": tenant.pool_id,
            "pool_arn": pool["Arn"],
            "client": tenant.client_id,
            "secret_client": tenant.new_client(GenerateSecret=True)["ClientId"],
            "ann": "ann",
            "bob": "bob",
            "group": "staff",
            "password": PASSWORD,
            "access_token": tokens["AccessToken"],
            "id_token": tokens["IdToken"],
            "refresh_token": tokens["RefreshToken"],
        }

    def counts(self) -> dict[str, int]:
        """How many rows there are of what nobody but a call that succeeds may add to."""
        return dict(self.rows.execute(COUNTS).fetchall())

    def send(self, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """One call on the open connection."""
        headers = {
            "X-Amz-Target": TARGET_PREFIX + operation,
            "Content-Type": CONTENT_TYPE,
            "Authorization": "any",
        }
        self.connection.request("POST", "/", body, headers)
        answer = self.connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def close(self) -> None:
        self.connection.close()
        self.rows.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    house = QuickHouse(tmp_path_factory.mktemp("fuzzed")).start()
    made = World(house)
    yield made
    made.close()
    house.stop()
    told = house.log.read_text(encoding="utf-8")
    assert '"event":"fault"' not in told
    assert '"event":"alarm"' not in told


def check_refusal(headers: dict[str, str], body: bytes) -> None:
    """A refusal is one of AWS's, in AWS's form."""
    told = json.loads(body)
    assert {"__type"} <= set(told) <= {"__type", "message", "Message", "reasonCode"}, told
    kind = getattr(errors, told["__type"])
    assert issubclass(kind, errors.CognitoError), told
    assert headers["x-amzn-errortype"] == f"{told['__type']}:"


def check_answer(operation: str, body: bytes) -> None:
    """An answer is as the model says."""
    answer = json.loads(body) if MODEL.operations[operation].answers else None
    assert answer is not None or body == b""
    assert MODEL.check_answer(operation, answer) == [], body


@pytest.mark.parametrize("operation", SERVED)
def test_whatever_is_sent_is_answered_or_refused_and_a_refusal_stores_nothing(world: World, operation: str):
    @PROFILE
    @given(value=bodies(operation))
    def holds(value):
        body = rendered(value, world.known.__getitem__)
        before = world.counts()
        status, headers, told = world.send(operation, body)
        if status == 200:
            world.is_worn |= not operation.startswith(READING)
            check_answer(operation, told)
        else:
            assert 400 <= status < 500, (status, told, body[:2_000])
            check_refusal(headers, told)
            after = world.counts()
            assert all(after[table] <= before[table] for table in KEPT), (before, after, body[:2_000])

    world.furnish()
    holds()
