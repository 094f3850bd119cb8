"""
Which PostgreSQL server a connection has reached: what history its database has, and since when it runs.

A standby that is promoted and an archive that is restored begin a history of their own, which may lack the
last commits of the one before.  Leaves out what follows from that (`agreement.py`) and the transactions
(`postgres.py`).
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

CONNECT_TIMEOUT_S = 5
# A machine that is gone says nothing.  Without these a call that waits for it would wait for a quarter of an
# hour, and one that waits for a lock for two hours.
SILENCE_S_BEFORE_ASKED = 5
ASKED_EVERY_S = 2
ASKED_TIMES_MAX = 3
SILENCE_MS_MAX = 10_000
_HABITS = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "application_name": "cenote",
    "target_session_attrs": "read-write",  # of several hosts the one that takes writes
    "keepalives_idle": SILENCE_S_BEFORE_ASKED,
    "keepalives_interval": ASKED_EVERY_S,
    "keepalives_count": ASKED_TIMES_MAX,
    "tcp_user_timeout": SILENCE_MS_MAX,
}
# Whoever set the server to forget the last commits did not think of erasures; how many copies there must be
# is theirs to say.
_DURABLE = """
    select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'
"""
# The control file names the timeline of the last checkpoint, which is late after a promotion: the name of the
# journal's present file begins with the one that is written now.  The statistics begin anew after a crash of
# one backend too, which ends all others and leaves the postmaster as it was.
_WHICH = """
    select c.system_identifier, d.oid, left(pg_walfile_name(pg_current_wal_lsn()), 8),
           pg_postmaster_start_time(), w.stats_reset
    from pg_control_system() c, pg_database d, pg_stat_bgwriter w where d.datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Server:
    """
    A server as long as it runs.

    Within a history what was committed once stays, in each of its databases as long as there is one.  Within
    a life the number of a transaction is given once: a server that starts anew gives numbers again of which
    no record had reached its disk.
    """

    history: str
    database: int
    life: str


def server_of(connection: psycopg.Connection[Any]) -> Server:
    """Whom this connection has reached; for as long as it lasts it stays so, and its commits are durable."""
    connection.execute(_DURABLE)
    row = connection.execute(_WHICH).fetchone()
    if row is None:
        raise psycopg.OperationalError("the database has no name")
    cluster, database, timeline, started, reset = row
    return Server(f"{cluster}/{timeline}", database, f"{started} {reset}")


def habits(url: str) -> dict[str, Any]:
    """How to connect, wherever the URL does not say so itself."""
    said = conninfo_to_dict(url)
    return {name: value for name, value in _HABITS.items() if name not in said}
