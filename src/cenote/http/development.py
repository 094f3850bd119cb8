"""
The doors of development: the inbox, the clock and the faults.  They exist with `--dev` and on loopback only.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any

import falcon
import msgspec
from falcon import Request, Response

from cenote.domain.registrations import Message
from cenote.domain.times import wire_time
from cenote.http.edge import read_body
from cenote.seams import Seams
from cenote.services import Services
from cenote.turns import aside

MESSAGES_SHOWN_MAX = 1_000
WAIT_S_MAX = 30.0
POLL_S = 0.05
DOOR_BODY_BYTES_MAX = 65_536
ADVANCE_S_MAX = 100 * 365 * 86_400


class ClockMove(msgspec.Struct, forbid_unknown_fields=True):
    """How far to move the clock."""

    advance_seconds: Annotated[float, msgspec.Meta(ge=-ADVANCE_S_MAX, le=ADVANCE_S_MAX)]


class Stop(msgspec.Struct, forbid_unknown_fields=True):
    """Where to end the process, and how many arrivals to let pass first."""

    stop_at: str
    passes: int = 0


class InboxDoor:
    """`GET /_cenote/inbox?to=ADDRESS&wait=SECONDS`: the messages that were sent, newest first."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, request: Request, response: Response) -> None:
        """The messages to an address (or to all), waiting for the first for as long as is asked."""
        to = request.get_param("to")
        wait_s = request.get_param_as_float("wait", min_value=0, max_value=WAIT_S_MAX) or 0.0
        until = time.monotonic() + wait_s
        found = self._messages(to)
        while not found and time.monotonic() < until:
            with aside():
                time.sleep(POLL_S)
            found = self._messages(to)
        response.media = [_shown(message) for message in found]

    def _messages(self, to: str | None) -> list[Message]:
        newest = self._services.store.read(lambda tx: tx.outbox.list_newest(MESSAGES_SHOWN_MAX))
        return [message for message in newest if to is None or message.to == to]


class ClockDoor:
    """`POST /_cenote/clock {"advance_seconds": n}`: move the clock of every rule."""

    def __init__(self, advance: Callable[[int], int]) -> None:
        self._advance = advance

    def on_post(self, request: Request, response: Response) -> None:
        """Move it; answer what it shows now."""
        move = _read(request, ClockMove)
        response.media = {"now": wire_time(self._advance(round(move.advance_seconds * 1000)))}


class FaultDoor:
    """
    `POST /_cenote/fault {"stop_at": seam}`: end this process, like `kill -9`, at the next arrival there.
    """

    def __init__(self, seams: Seams) -> None:
        self._seams = seams

    def on_post(self, request: Request, response: Response) -> None:
        """Arm the seam."""
        stop = _read(request, Stop)
        self._seams.arm(stop.stop_at, stop.passes)
        response.media = {"armed": stop.stop_at}


def doors(services: Services, advance: Callable[[int], int], seams: Seams) -> list[tuple[str, Any]]:
    """The routes that development adds."""
    return [
        ("/_cenote/inbox", InboxDoor(services)),
        ("/_cenote/clock", ClockDoor(advance)),
        ("/_cenote/fault", FaultDoor(seams)),
    ]


def _read(request: Request, kind: type[Any]) -> Any:
    body = read_body(request, DOOR_BODY_BYTES_MAX)
    try:
        return msgspec.json.decode(body or b"", type=kind)
    except msgspec.MsgspecError as failure:
        raise falcon.HTTPBadRequest(title="Unreadable", description=str(failure)) from failure


def _shown(message: Message) -> dict[str, object]:
    return {
        "to": message.to,
        "medium": message.medium,
        "pool_id": message.pool_id,
        "code": message.code,
        "subject": message.subject,
        "body": message.body,
        "created": wire_time(message.created_ms),
    }
