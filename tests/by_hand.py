"""HTTP by hand: the bytes of a request as a test wants them, and the answers as they come back."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from typing import NamedTuple

TARGET_PREFIX = "AWSCognitoIdentityProviderService."
CONTENT_TYPE = "application/x-amz-json-1.1"
ANSWER_WAIT_S_MAX = 30
CHUNK_BYTES = 65_536


class Answer(NamedTuple):
    """One answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def post(
    target: str | None,
    body: bytes = b"{}",
    *,
    headers: tuple[str, ...] = (),
    length: int | None = None,
    content_type: str | None = CONTENT_TYPE,
    keeps_alive: bool = False,
) -> bytes:
    """A call; `target` is an operation or a whole `X-Amz-Target`, and `length` may be a lie."""
    lines = ["POST / HTTP/1.1", "Host: localhost", *headers]
    if target is not None:
        lines.append(f"X-Amz-Target: {target if '.' in target else TARGET_PREFIX + target}")
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if not keeps_alive:
        lines.append("Connection: close")
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(target: str, body: bytes) -> bytes:
    """The same with a body of chunks, and no length said beforehand."""
    head = post(target).partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
    pieces = (body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES))
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def connect(port: int, sent: bytes = b"") -> socket.socket:
    """A connection on which this was sent."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_WAIT_S_MAX)
    with contextlib.suppress(ConnectionError):  # whoever refuses a large body does not read it to its end
        connection.sendall(sent)
    return connection


def talk(port: int, sent: bytes, *, ends: bool = False) -> list[Answer]:
    """Send, and read every answer until the server closes; `ends` says that nothing more will be sent."""
    with connect(port, sent) as connection:
        if ends:
            with contextlib.suppress(OSError):  # the server may have hung up already
                connection.shutdown(socket.SHUT_WR)
        return list(read_answers(rest_of(connection)))


def ask(port: int, sent: bytes, *, ends: bool = False) -> Answer:
    """The one answer to what was sent."""
    (answer,) = talk(port, sent, ends=ends)
    return answer


def rest_of(connection: socket.socket) -> bytes:
    """Everything that still comes."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(CHUNK_BYTES):
            pieces.append(piece)
    return b"".join(pieces)


def said(answer: Answer) -> str | None:
    """The message of a refusal."""
    message: str | None = json.loads(answer.body).get("message")
    return message


def kind(answer: Answer) -> str:
    """The name of a refusal, on which header and body agree."""
    name: str = json.loads(answer.body)["__type"]
    assert answer.headers["x-amzn-errortype"] == f"{name}:"
    return name


def read_answers(stream: bytes) -> Iterator[Answer]:
    """The answers in a stream, each as long as it says itself."""
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.[01] ([0-9]{3}) .*", status)
        assert found, status
        pairs = [line.partition(": ") for line in lines]
        headers = {name.lower(): value for name, _, value in pairs}
        assert len(headers) == len(pairs), lines
        length = int(headers.get("content-length", "0"))
        yield Answer(int(found[1]), headers, rest[:length])
        stream = rest[length:]
