"""
The command line's face: subcommands and their flags, and one sentence for whatever an operator must mend.

Leaves out what a subcommand does; heavy modules are imported where they are used, so that `--help` is quick.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cenote import settings
from cenote.cli import erasure, master, pool, rules, user
from cenote.cli.flags import (
    Data,
    DatabaseUrl,
    KeyId,
    Keys,
    KeysMirror,
    MasterKeyCommand,
    MasterKeyFile,
    decided_by,
    flag,
)
from cenote.cli.shielding import shield
from cenote.cli.user import By
from cenote.errors import CenoteError

EXIT_REFUSED = 2

app = typer.Typer(
    name="cenote",
    help="User pools you own: the Amazon Cognito user pools API, self-hosted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(erasure.app, name="erasure")
keys_app = typer.Typer(help="The access keys that administrators sign with.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(rules.app, name="rules")
app.add_typer(pool.app, name="pool")
app.add_typer(user.app, name="user")
app.command("erase")(user.erase)
keys_app.command("rotate-master")(master.rotate_master)


@app.command()
def serve(  # noqa: PLR0913, PLR0917 - each flag is a parameter: that is how typer reads a command line
    dev: Annotated[bool | None, typer.Option("--dev", help=settings.explain("dev"))] = None,
    host: Annotated[str | None, flag("host")] = None,
    port: Annotated[str | None, flag("port")] = None,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
    region: Annotated[str | None, flag("region")] = None,
    account: Annotated[str | None, flag("account")] = None,
    public_url: Annotated[str | None, flag("public_url")] = None,
    issuer: Annotated[str | None, flag("issuer")] = None,
    threads: Annotated[str | None, flag("threads")] = None,
    workers: Annotated[str | None, flag("workers")] = None,
    smtp_url: Annotated[str | None, flag("smtp_url")] = None,
    smtp_from: Annotated[str | None, flag("smtp_from")] = None,
    console_messages: Annotated[
        bool | None, typer.Option("--console-messages", help=settings.explain("console_messages"))
    ] = None,
    quotas: Annotated[str | None, flag("quotas")] = None,
    quota_overrides: Annotated[str | None, flag("quota_overrides")] = None,
    quota_store_url: Annotated[str | None, flag("quota_store_url")] = None,
    trusted_proxies: Annotated[str | None, flag("trusted_proxies")] = None,
    read_only: Annotated[bool | None, typer.Option("--read-only", help=settings.explain("read_only"))] = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    decided = settings.load(dict(locals()), os.environ, Path.cwd())
    from cenote.cli.serving import serve as run

    run(decided)


@app.command()
def demo() -> None:
    """Sign a user up, let them delete themself, and show that every door is shut."""
    from cenote.cli.demo import run

    raise typer.Exit(run())


@app.command()
def backup(
    target: Annotated[str, typer.Argument(help="The file to write, or - for stdout.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Copy the rows of a database, online and as of one moment, into one file; never the keys."""
    decided = settings.load({"data": data, "database_url": database_url}, os.environ, Path.cwd())
    from cenote.cli.backup import backup as run

    raise typer.Exit(run(decided, target))


@app.command()
def restore(  # noqa: PLR0917 - each flag is a parameter
    source: Annotated[str, typer.Argument(help="The backup to read, or - for stdin.")],
    former_master_key_file: Annotated[
        Path | None,
        typer.Option("--former-master-key-file", help="The master key of then, where it has changed since."),
    ] = None,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Fill new data from a backup, beside the present keys folder; the erased stay gone and are counted."""
    decided = decided_by(locals(), "source", "former_master_key_file")
    from cenote.cli.backup import restore as run

    raise typer.Exit(run(decided, source, former_master_key_file))


@app.command()
def migrate(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Bring the schema of a database up to date, as a start would."""
    decided = settings.load({"data": data, "database_url": database_url}, os.environ, Path.cwd())
    from cenote.app import open_store

    open_store(decided).close()


@app.command()
def doctor(  # noqa: PLR0917 - each flag is a parameter
    also: Annotated[
        list[Path] | None, typer.Option("--also", help="Where backups lie, to look for copies of the keys.")
    ] = None,
    data: Data = None,
    keys: Keys = None,
    keys_mirror: KeysMirror = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Look at the house without touching it, and say what must be mended."""
    decided = decided_by(locals(), "also")
    from cenote.cli.doctor import doctor as run

    raise typer.Exit(run(decided, also or []))


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who uses the key: the last part of their ARN.")],
    *,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A file with an IAM-style policy: what the key may do.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="The key may read everything.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="The key may do everything.")] = False,
    data: Data = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an access key and show its secret, once; beside a running server."""
    decided = decided_by(locals(), "name", "policy", "read_only", "everything")
    from cenote.cli.keys import create

    create(decided, name, policy, read_only=read_only, everything=everything)


@keys_app.command("list")
def list_keys(
    *,
    data: Data = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List the access keys, without their secrets."""
    decided = decided_by(locals())
    from cenote.cli.keys import show_list

    show_list(decided)


@keys_app.command("policy")
def policy_of_key(
    key_id: KeyId,
    *,
    to: Annotated[
        Path | None,
        typer.Option("--set", help="A file with the policy that it is to have from now on, or - for stdin."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why it is changed. It is kept for good, as it is.")
    ] = "",
    by: By = None,
    data: Data = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what an access key may do, or change it from the next call on."""
    decided = decided_by(locals(), "key_id", "to", "reason", "by")
    from cenote.cli.keys import set_policy, show_policy

    if to is None:
        show_policy(decided, key_id)
    else:
        set_policy(decided, key_id, to, reason, by)


@keys_app.command("revoke")
def revoke_key(
    key_id: KeyId,
    *,
    data: Data = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End an access key for good; the next call that it signs is refused."""
    decided = decided_by(locals(), "key_id")
    from cenote.cli.keys import revoke

    revoke(decided, key_id)


@keys_app.command("rotate")
def rotate_key(
    key_id: KeyId,
    *,
    grace_hours: Annotated[
        float,
        typer.Option("--grace-hours", min=0, max=8_760, help="How long the old secret still works."),
    ] = 24,
    data: Data = None,
    master_key_file: MasterKeyFile = None,
    master_key_command: MasterKeyCommand = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give an access key a new secret and show it, once; id and policy stay."""
    decided = decided_by(locals(), "key_id", "grace_hours")
    from cenote.cli.keys import rotate

    rotate(decided, key_id, grace_hours)


def main() -> None:
    """Run the command; what an operator must mend is one sentence on stderr and the exit status 2."""
    os.umask(0o077)
    shield()
    try:
        app()
    except CenoteError as failure:
        print(f"cenote: {failure}", file=sys.stderr)
        sys.exit(EXIT_REFUSED)
