"""
Rows about the data as a whole: its pair id, its server secrets, the movable clock, what it saw of the keys.
"""

from collections.abc import Mapping

from cenote.store.ground import Ground


class MetaTable:
    """Named values, each opaque here."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def find(self, name: str) -> bytes | None:
        """The value of this name."""
        row = self._ground.run("select value from meta where name = :name", {"name": name}).fetchone()
        return None if row is None else bytes(row[0])

    def hold(self, name: str, first: bytes) -> bytes:
        """The value of this name, `first` where it had none; it stays so until this transaction ends."""
        self.add(name, first)
        row = self._ground.run(
            f"select value from meta where name = :name{self._ground.hold_row}", {"name": name}
        ).fetchone()
        return bytes(row[0])

    def hold_alone(self, name: str) -> bytes | None:
        """The value of this name; whoever hangs something on it has finished, and nobody else begins."""
        row = self._ground.run(
            f"select value from meta where name = :name{self._ground.hold_alone}", {"name": name}
        ).fetchone()
        return None if row is None else bytes(row[0])

    def drop(self, name: str) -> None:
        """Forget the value of this name."""
        self._ground.run("delete from meta where name = :name", {"name": name})

    def put(self, name: str, value: bytes) -> None:
        """Set the value of this name, whatever it was."""
        self._ground.run(
            "insert into meta (name, value) values (:name, :value)"
            " on conflict (name) do update set value = excluded.value",
            {"name": name, "value": value},
        )

    def add_all(self, rows: Mapping[str, bytes]) -> dict[str, bytes]:
        """Set these values unless they are set; return what they are now: all of one process's making."""
        return {name: self.add(name, value) for name, value in rows.items()}

    def add(self, name: str, value: bytes) -> bytes:
        """Set the value of this name unless it is set; return what it is now."""
        self._ground.run(
            "insert into meta (name, value) values (:name, :value) on conflict (name) do nothing",
            {"name": name, "value": value},
        )
        return self.find(name) or value
