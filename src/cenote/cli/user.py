"""
`cenote user`: what auditors and operators ask about one user.  Leaves out how each is done.
"""

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

app = typer.Typer(help="What auditors and operators ask about one user.", no_args_is_help=True)

Pool = Annotated[str, typer.Option("--pool", help="The id of the user's pool.")]
Sub = Annotated[str, typer.Option("--sub", help="The identity (the `sub`) of the user.")]
Reason = Annotated[
    str, typer.Option("--reason", help="Why. It is kept for good, as it is: name nobody in it.")
]
By = Annotated[
    str | None,
    typer.Option("--by", help="Who orders it; without it, the user of this machine. Kept for good."),
]


def erase(  # noqa: PLR0913 - each flag is a parameter
    *,
    pool: Pool,
    sub: Sub,
    reason: Reason,
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask: erase.")] = False,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Erase a user for good, as they would erase themself; beside a running server or without one."""
    decided = decided_by(locals(), "pool", "sub", "reason", "by", "yes")
    from cenote.cli.erasing import erase as run
    from cenote.cli.holding import Because, Named

    run(decided, Named(pool, sub), Because.of(reason, by), is_sure=yes)


@app.command()
def hold(
    *,
    pool: Pool,
    sub: Sub,
    reason: Reason,
    until: Annotated[
        str | None,
        typer.Option("--until", help="When the hold ends by itself: 2026-01-31, or with a time; else never."),
    ] = None,
    by: By = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Keep a user from being erased by anybody; they are told OperationNotEnabledException."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.holding import Because, Named
    from cenote.cli.holding import hold as run

    run(decided, Named(pool, sub), Because.of(reason, by), until)


@app.command()
def release(
    *,
    pool: Pool,
    sub: Sub,
    reason: Reason,
    by: By = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End the hold of a user: they may be erased again."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.holding import Because, Named
    from cenote.cli.holding import release as run

    run(decided, Named(pool, sub), Because.of(reason, by))


@app.command()
def holds(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every hold and release that there ever was.")
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List the users who are held."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.holding import show_holds

    show_holds(decided, everything=everything)


@app.command()
def recover(
    *,
    pool: Pool,
    sub: Sub,
    reason: Reason,
    by: By = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring back a user whom an administrator deleted, while their pool keeps them."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.holding import Because, Named
    from cenote.cli.recovering import recover as run

    run(decided, Named(pool, sub), Because.of(reason, by))


@app.command()
def recoverable(*, pool: Pool, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """List the users who can be brought back to a pool."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.recovering import show_recoverable

    show_recoverable(decided, pool)


@app.command()
def export(
    *,
    pool: Pool,
    sub: Annotated[str | None, typer.Option("--sub", help="The identity (the `sub`) of the user.")] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="A name of the user, as they would sign in with.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="A new file, readable by you alone; else stdout.")
    ] = None,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write everything that is held of a user as JSON: personal data, and nothing that lets anybody in."""
    decided = decided_by(locals(), "pool", "sub", "username", "output")
    from cenote.cli.exporting import Asked
    from cenote.cli.exporting import export as run

    run(decided, Asked(pool, sub, username), output)


@app.command()
def record(
    *,
    sub: Annotated[str | None, typer.Option("--sub", help="Only what was done to this user.")] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print what operators did to users, one JSON line for each act, without their names."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.holding import show_record

    show_record(decided, sub)
