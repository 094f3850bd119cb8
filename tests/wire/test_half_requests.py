"""Whoever sends half a request holds up nobody else."""

import select
import socket
import time
from typing import Any

from tests.house import House, Tenant

HEAD = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: AWSCognitoIdentityProviderService.GetUser\r\n"
    "Content-Type: application/x-amz-json-1.1\r\nContent-Length: 100\r\n\r\n{"
)
CROWD = 200  # more than there are places, and more than one address may hold
HELD = 128
PATIENCE_S = 10


def test_a_crowd_that_never_ends_its_bodies_is_refused_beyond_its_share_and_leaves_no_trace(
    own_house: House,
) -> None:
    tenant = Tenant(own_house.start("--threads", "4"))
    token = tenant.user("ann")["AccessToken"]
    crowd = [socket.create_connection(("127.0.0.1", own_house.port)) for _one in range(CROWD)]
    try:
        for one in crowd:
            one.sendall(HEAD.encode())
        refused = answered(crowd, CROWD - HELD)
        assert len(refused) == CROWD - HELD
        assert all(b"TooManyRequestsException" in answer for answer in refused)
    finally:
        for one in crowd:
            one.close()
    assert let_in(tenant, token)["Username"] == "ann"


def let_in(tenant: Tenant, token: str) -> Any:
    """What GetUser answers, once the server has noticed that the crowd has gone."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return tenant.cognito.get_user(AccessToken=token)
        except tenant.cognito.exceptions.TooManyRequestsException:
            assert time.monotonic() < until


def test_half_bodies_take_no_place_from_whole_ones(own_house: House) -> None:
    tenant = Tenant(own_house.start("--threads", "4"))
    token = tenant.user("ann")["AccessToken"]
    crowd = [socket.create_connection(("127.0.0.1", own_house.port)) for _one in range(64)]
    try:
        for one in crowd:
            one.sendall(HEAD.encode())
        assert answered(crowd, 1, patience_s=0.5) == []
        for _time in range(20):
            assert tenant.cognito.get_user(AccessToken=token)["Username"] == "ann"
    finally:
        for one in crowd:
            one.close()


def answered(crowd: list[socket.socket], count: int, patience_s: float = PATIENCE_S) -> list[bytes]:
    """What so many of them were answered, as far as they were."""
    answers: list[bytes] = []
    until, waiting = time.monotonic() + patience_s, list(crowd)
    while len(answers) < count and time.monotonic() < until:
        ready, _w, _x = select.select(waiting, [], [], 0.1)
        for one in ready:
            waiting.remove(one)
            answers.append(one.recv(4096))
    return answers
