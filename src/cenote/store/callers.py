"""
Who stands behind a token: one statement, whatever the answer.

Leaves out what the answer means (`domain/callers.py`).
"""

from cenote.domain.callers import Presence
from cenote.domain.registrations import Session
from cenote.domain.users import User
from cenote.store.belongings import SESSION_COLUMNS, session_of
from cenote.store.clients import ClientTable
from cenote.store.ground import Ground
from cenote.store.pools import PoolTable
from cenote.store.users import USER_COLUMNS, opened

# Written once: each call would put the text together, and SQLite's driver read the whole of it, anew.
_PRESENCE = (
    f"select {USER_COLUMNS}, p.version, p.slot, c.version, s.id from (select 1 as one) o"
    " left join pools p on p.pool_id = :pool_id"
    " left join clients c on c.client_id = :client_id and c.pool_id = :pool_id"
    " left join names n on n.pool_id = :pool_id and n.name = :name"
    " left join users u on u.sub = n.sub left join keys k on k.sub = u.sub"
    " left join belongings s on s.sub = u.sub and s.kind = 'session' and "
)
_BY_ORIGIN, _BY_EVENT = _PRESENCE + "s.id = :session", _PRESENCE + "s.tag = :session"


class CallerTable:
    """The join of everything that a token names."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def find(self, pool_id: str, client_id: str, name: bytes, session: tuple[str | None, str]) -> Presence:
        """
        What is there of the token's pool, client, user name and session (its origin_jti, its event_id).

        A token without an origin_jti comes from a client with revocation switched off; its session is found
        by the event that began it, so that GlobalSignOut ends it all the same.
        """
        origin, event_id = session
        row = self._ground.run(
            _BY_EVENT if origin is None else _BY_ORIGIN,
            {
                "pool_id": pool_id,
                "client_id": client_id,
                "name": name,
                "session": event_id if origin is None else origin,
            },
        ).fetchone()
        if row[9] is None or self._ground.sealer.is_erased(pool_id, row[10]):
            return Presence(None, None, None, is_session_alive=False)
        return Presence(
            PoolTable(self._ground).of_version(pool_id, row[9]),
            None if row[11] is None else ClientTable(self._ground).of_version(client_id, row[11]),
            None if row[8] is None else opened(row, self._ground.sealer),
            is_session_alive=row[12] is not None,
        )

    def find_renewing(self, sub: str, session_id: str) -> tuple[User | None, Session | None]:
        """The user whom a refresh token was given to and its session, each if it is there."""
        row = self._ground.run(
            f"select {USER_COLUMNS}, {SESSION_COLUMNS} from users u join keys k on k.sub = u.sub"
            " left join belongings s on s.sub = u.sub and s.kind = 'session' and s.id = :session_id"
            " where u.sub = :sub",
            {"sub": sub, "session_id": session_id},
        ).fetchone()
        if row is None:
            return None, None
        user = opened(row, self._ground.sealer)
        return user, None if user is None or row[9] is None else session_of(row[9:])
