"""`cenote keys rotate-master`, as the command line reads it.  Leaves out how it is done (`rotating.py`)."""

from pathlib import Path
from typing import Annotated

import typer

from cenote.cli.flags import (
    Data,
    DatabaseUrl,
    Keys,
    KeysMirror,
    MasterKeyCommand,
    MasterKeyFile,
    decided_by,
)


def rotate_master(
    *,
    new_master_key_file: Annotated[
        Path | None, typer.Option("--new-master-key-file", help="The file of the new key.")
    ] = None,
    new_master_key_command: Annotated[
        str | None, typer.Option("--new-master-key-command", help="A command that prints the new key.")
    ] = None,
    at_most_per_second: Annotated[
        float | None,
        typer.Option("--at-most-per-second", min=1, help="How many users' keys are rewrapped a second."),
    ] = None,
    leave_unopenable: Annotated[
        bool, typer.Option("--leave-unopenable", help="Retire the old key though some keys don't open.")
    ] = False,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change the master key while servers serve; given again, it goes on where it was cut off."""
    decided = decided_by(
        locals(),
        "new_master_key_file",
        "new_master_key_command",
        "at_most_per_second",
        "leave_unopenable",
    )
    from cenote.cli.rotating import Order, new_key, rotate

    following = new_key(new_master_key_file, new_master_key_command)
    is_file = new_master_key_file is not None
    rotate(decided, Order(following, is_file, at_most_per_second, leave_unopenable))
