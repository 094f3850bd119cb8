"""`cenote erasure`: proving erasures, checking the proofs, and the ledger.  Leaves out how each is done."""

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

app = typer.Typer(help="What is left of users who were erased, and the proof of it.", no_args_is_help=True)


@app.command()
def verify(
    sub: Annotated[str | None, typer.Argument(help="The identity (the `sub`) of one user.")] = None,
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody in the ledger.")] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Everybody who was erased since: 2026-01-31, or with a time."),
    ] = None,
    also: Annotated[
        list[Path] | None, typer.Option("--also", help="A backup, or a folder of them, to search as well.")
    ] = None,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Search every file for erased users and print signed receipts as JSON, of many one to a line."""
    decided = decided_by(locals(), "sub", "everybody", "since", "also")
    from cenote.cli.verifying import asked_for
    from cenote.cli.verifying import verify as run

    raise typer.Exit(run(decided, asked_for(sub, everybody=everybody, since=since), also or []))


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Receipts, and exported ledgers; - for stdin.")],
    *,
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", help="The key that must have signed them, as public-key prints it."),
    ] = None,
    sub: Annotated[str | None, typer.Option("--sub", help="The user whom the receipt must be about.")] = None,
) -> None:
    """Check receipts and ledgers without data or keys, and say what they prove."""
    from cenote.cli.checking import check as run

    raise typer.Exit(run(files, public_key, sub))


@app.command()
def ledger(
    *,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the ledger of erasures, one JSON line each, checked and signed."""
    decided = decided_by(locals())
    from cenote.cli.ledger import export as run

    raise typer.Exit(run(decided))


@app.command("public-key")
def public_key(
    *,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the public key that checks receipts and ledgers: give it to whoever checks them, once."""
    decided = decided_by(locals())
    from cenote.cli.ledger import print_public_key as run

    run(decided)
