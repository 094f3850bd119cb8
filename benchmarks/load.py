"""
The load generator: a closed loop of callers, or calls at a fixed rate, over raw keep-alive sockets.

It is not the bottleneck, and says so: requests are bytes before the clock starts, of an answer only status
and length are read, each worker process drives its callers from one `epoll`, and its own processor time is
part of every outcome.  An outcome in which a worker was busy most of the time has no rate.  Leaves out what a
request says (`scenarios.py`) and what the server spent (`processes.py`).
"""

import multiprocessing
import select
import socket
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from multiprocessing.connection import Connection

HOST = "127.0.0.1"
BUSY_SHARE_MAX = 0.7  # of one core: past it, a worker may have kept the server waiting
ANSWER_WAIT_S_MAX = 60.0
CONNECT_WAIT_S_MAX = 10.0
SAMPLE_EVERY = 97
SAMPLES_MAX = 64
RECEIVED_BYTES_MAX = 65_536
HEAD_END = b"\r\n\r\n"
CHUNKS_END = b"0\r\n\r\n"

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What to do: so many callers, each waiting for its answer, until time or requests run out.

    With a rate, calls begin on time whether or not earlier ones were answered, as far as the callers suffice.
    """

    callers: int
    seconds_max: float
    calls_max: int
    once: bool = False  # each request may be sent once: a user is deleted once
    rate: float | None = None
    workers: int = 1


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    began_s: float = float("inf")
    ended_s: float = 0.0
    latencies_s: "array[float]" = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    samples: list[tuple[int, bytes]] = field(default_factory=list)  # status and body of some answers
    cpu_s: float = 0.0
    busy_share: float = 0.0  # of one core, the busiest worker's
    held_back: int = 0  # calls that were due while every caller was waiting

    @property
    def calls(self) -> int:
        """How many were answered."""
        return len(self.latencies_s)

    @property
    def seconds(self) -> float:
        """From the first call's beginning to the last one's end."""
        return max(self.ended_s - self.began_s, 1e-9)

    @property
    def is_bottleneck(self) -> bool:
        """True when the generator itself may have set the pace."""
        return self.busy_share > BUSY_SHARE_MAX

    @property
    def rate(self) -> float | None:
        """Answers a second; None when it would be the generator's rate and not the server's."""
        return None if self.is_bottleneck else self.calls / self.seconds

    def latency_ms(self, share: float) -> float:
        """The latency that this share of the calls stayed within."""
        ordered = sorted(self.latencies_s)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else float("nan")


def run(port: int, requests: Sequence[bytes], load: Load) -> Outcome:
    """Put the load on the server at this port and say what came of it."""
    workers = min(load.workers, load.callers)
    ready = _fork.Barrier(workers)
    ends: list[Connection] = []
    processes = []
    for number in range(workers):
        ours, theirs = _fork.Pipe(duplex=False)
        share = Load(
            callers=load.callers // workers + (number < load.callers % workers),
            seconds_max=load.seconds_max,
            calls_max=load.calls_max // workers,
            once=load.once,
            rate=None if load.rate is None else load.rate / workers,
        )
        process = _fork.Process(target=_work, args=(port, requests[number::workers], share, ready, theirs))
        process.start()
        theirs.close()
        ends.append(ours)
        processes.append(process)
    outcome = _sum([end.recv() for end in ends])
    for process in processes:
        process.join()
    return outcome


def _sum(parts: Sequence[Outcome]) -> Outcome:
    whole = Outcome()
    for part in parts:
        whole.began_s, whole.ended_s = min(whole.began_s, part.began_s), max(whole.ended_s, part.ended_s)
        whole.latencies_s.extend(part.latencies_s)
        whole.statuses.update(part.statuses)
        whole.samples.extend(part.samples)
        whole.cpu_s += part.cpu_s
        whole.busy_share = max(whole.busy_share, part.busy_share)
        whole.held_back += part.held_back
    return whole


class _Line:
    """One caller's connection, and what it waits for."""

    __slots__ = ("buffer", "sent_s", "socket")

    def __init__(self, port: int) -> None:
        self.sent_s = 0.0
        self.buffer = b""
        self.socket = socket.create_connection((HOST, port), timeout=CONNECT_WAIT_S_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Worker:
    """The callers of one process."""

    def __init__(self, port: int, load: Load, requests: Iterator[bytes]) -> None:
        self._port = port
        self._requests = requests
        self._load = load
        self._poll = select.epoll()
        self._lines: dict[int, _Line] = {}
        self._idle: deque[_Line] = deque()
        self.outcome = Outcome()
        for _ in range(load.callers):
            self._connect()

    def drive(self) -> Outcome:
        """Call until time or requests run out, and wait for the last answers."""
        began = time.perf_counter()
        self._stop_s = began + self._load.seconds_max
        self._due_s = began
        self.outcome.began_s, spent_s = time.monotonic(), time.process_time()
        if self._load.rate is None:
            self._fill_up()
        waiting_until = self._stop_s + ANSWER_WAIT_S_MAX
        while (now := time.perf_counter()) < waiting_until:
            if self._load.rate is not None:
                self._send_what_is_due(now)
            if len(self._idle) == len(self._lines) and (self._load.rate is None or now >= self._stop_s):
                break
            for descriptor, _events in self._poll.poll(self._patience_s(now)):
                self._hear(self._lines[descriptor])
        self.outcome.ended_s = time.monotonic()
        self.outcome.cpu_s = time.process_time() - spent_s
        self.outcome.busy_share = self.outcome.cpu_s / self.outcome.seconds
        for line in self._lines.values():
            line.socket.close()
        self._poll.close()
        return self.outcome

    def _patience_s(self, now: float) -> float:
        """How long to wait for an answer before looking at the clock again."""
        return 0.1 if self._load.rate is None else max(min(self._due_s - now, 0.1), 0.0)

    def _connect(self) -> None:
        line = _Line(self._port)
        self._lines[line.socket.fileno()] = line
        self._poll.register(line.socket.fileno(), select.EPOLLIN)
        self._idle.append(line)

    def _fill_up(self) -> None:
        """Give every idle caller a call."""
        while self._idle and (request := next(self._requests, None)) is not None:
            self._send(self._idle.popleft(), request)

    def _send_what_is_due(self, now: float) -> None:
        while self._due_s <= now < self._stop_s:
            self._due_s += 1 / (self._load.rate or 1)
            if self._idle and (request := next(self._requests, None)) is not None:
                self._send(self._idle.popleft(), request)
            else:
                self.outcome.held_back += 1

    def _send(self, line: _Line, request: bytes) -> None:
        line.sent_s = time.perf_counter()
        line.socket.sendall(request)

    def _hear(self, line: _Line) -> None:
        """Take what has come; a whole answer is noted, and its caller goes on."""
        received = line.socket.recv(RECEIVED_BYTES_MAX)
        line.buffer += received
        body_at = line.buffer.find(HEAD_END) + len(HEAD_END)
        head = line.buffer[:body_at].lower()
        if body_at < len(HEAD_END) or (received and not _is_whole(line.buffer, head, body_at)):
            if received:
                return
            raise ConnectionError(f"the server hung up in the middle of an answer: {line.buffer[:200]!r}")
        now = time.perf_counter()
        self._note(int(head[9:12]), now - line.sent_s, line.buffer[body_at:])
        line.buffer = b""
        if not received or b"\r\nconnection: close" in head:
            self._replace(line)
        else:
            self._idle.append(line)
        if self._load.rate is None and now < self._stop_s:
            self._fill_up()

    def _note(self, status: int, latency_s: float, body: bytes) -> None:
        outcome = self.outcome
        outcome.latencies_s.append(latency_s)
        outcome.statuses[status] += 1
        is_due = outcome.calls % SAMPLE_EVERY == 1 or status != 200  # noqa: PLR2004 - HTTP's own number
        if is_due and len(outcome.samples) < SAMPLES_MAX:
            outcome.samples.append((status, body))

    def _replace(self, line: _Line) -> None:
        """Call again for a caller whose connection the server closes after each answer."""
        del self._lines[line.socket.fileno()]
        self._poll.unregister(line.socket.fileno())
        line.socket.close()
        self._connect()


def _is_whole(answer: bytes, head: bytes, body_at: int) -> bool:
    place = head.find(b"\r\ncontent-length:")
    if place >= 0:
        length = int(head[place + 17 : head.index(b"\r", place + 17)])
        return len(answer) - body_at >= length
    return b"\r\ntransfer-encoding: chunked" in head and answer.endswith(CHUNKS_END)


def _work(
    port: int,
    requests: Sequence[bytes],
    load: Load,
    ready: "multiprocessing.synchronize.Barrier",
    end: Connection,
) -> None:
    """One worker process."""
    supply = iter(requests) if load.once else cycle(requests)
    worker = _Worker(port, load, islice(supply, load.calls_max))
    ready.wait(CONNECT_WAIT_S_MAX)
    end.send(worker.drive())
    end.close()
