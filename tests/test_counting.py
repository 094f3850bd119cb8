"""So many within a window and no more: in one process, in a Redis for several, and while that is away."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cenote import counting
from cenote.counting import Counting
from cenote.errors import CenoteError
from tests.lines import caught_lines
from tests.redis_server import RedisServer

LONG_S = 3_600  # no window ends while a test runs ...


def window_has_room(window_s: int = LONG_S, for_s: float = 60) -> None:
    """... for one that would is waited out: the library's windows begin at round times."""
    left_s = window_s - time.time() % window_s
    if left_s < for_s:
        time.sleep(left_s)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer().start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "redis"])
def count(request: pytest.FixtureRequest) -> Counting:
    window_has_room()
    if request.param == "memory":
        return Counting()
    return Counting(request.getfixturevalue("redis_server").url)


def taken(count: Counting, name: str, times: int, at_most: int) -> int:
    return sum(count.take(name, at_most, LONG_S) for _ in range(times))


def test_so_many_are_let_in_and_not_one_more(count):
    assert [count.take("exact", 3, LONG_S) for _ in range(5)] == [True, True, True, False, False]


def test_names_are_counted_apart(count):
    assert taken(count, "pool/UserUpdate", 9, 2) == 2
    assert taken(count, "pool/UserRead", 9, 4) == 4


def test_nothing_is_let_in_where_nothing_is_allowed(count):
    assert taken(count, "closed", 3, 0) == 0


def test_threads_together_get_what_one_would_get(count):
    start = threading.Barrier(8)

    def hurry(_number: int) -> int:
        start.wait(20)
        return taken(count, "hurried", 50, 40)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(hurry, range(8))) == 40


def test_a_window_that_is_over_lets_in_again(count):
    assert taken(count, "short", 5, 5) == 5
    assert sum(count.take("shorter", 5, 1) for _ in range(5)) == 5
    while not count.take("shorter", 5, 1):
        time.sleep(0.01)
    assert taken(count, "short", 1, 5) == 0


def test_where_two_windows_meet_nobody_gets_two_helpings():
    count, window_s, at_most = Counting(), 2, 40
    time.sleep(window_s - time.time() % window_s)
    assert sum(count.take("meeting", at_most, window_s) for _ in range(at_most)) == at_most
    began = time.time() // window_s * window_s + window_s
    time.sleep(began - time.time())
    more = sum(count.take("meeting", at_most, window_s) for _ in range(2 * at_most))
    assert more <= at_most * (time.time() - began) / window_s + 1


def test_two_processes_count_together_in_a_redis(redis_server):
    window_has_room()
    first, second = Counting(redis_server.url), Counting(redis_server.url)
    assert sum(one.take("together", 5, LONG_S) for one in (first, second) * 10) == 5
    apart = (Counting(), Counting())
    assert sum(one.take("together", 5, LONG_S) for one in apart * 10) == 10


def test_while_the_redis_is_away_each_process_counts_alone_and_nobody_waits(monkeypatch):
    window_has_room()
    monkeypatch.setattr(counting, "AWAY_S", 0.05)
    server = RedisServer().start()
    count = Counting(server.url)
    assert taken(count, "a", 9, 3) == 3
    server.stop()
    with caught_lines() as lines:
        assert taken(count, "a", 9, 3) == 3
    assert {line["event"] for line in lines} == {"quota store away"}
    server.start()
    time.sleep(0.05)
    count.take("back", 1, LONG_S)
    assert any("back" in name for name in server.names())
    server.stop()


def test_a_redis_that_does_not_answer_is_away_too():
    window_has_room()
    with socket.create_server(("127.0.0.1", 0)) as silent, caught_lines() as lines:
        count = Counting(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert taken(count, "a", 9, 3) == 3
    assert [line["event"] for line in lines] == ["quota store away"]


def test_too_many_names_are_forgotten_rather_than_kept(monkeypatch):
    window_has_room()
    monkeypatch.setattr(counting, "NAMES_COUNTED_MAX", 50)
    count = Counting()
    with caught_lines() as lines:
        for number in range(60):
            count.take(f"name {number}", 1, LONG_S)
    assert [line["event"] for line in lines] == ["counts forgotten"]
    assert count.take("name 0", 1, LONG_S)


def test_a_store_without_its_package_is_a_sentence_at_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(CenoteError, match=r"pip install 'cenote\[redis\]'"):
        Counting("redis://127.0.0.1:1/0")


def test_a_server_without_quotas_does_not_load_the_library():
    script = "import sys, cenote.app; sys.exit('limits' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
