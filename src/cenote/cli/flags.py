"""
The flags that several commands share, each explained by the setting that it sets.

A group of commands stands in a module of its own, with a typer application that `main.py` adds.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cenote import settings


def flag(name: str) -> Any:
    """The flag of a setting, with the setting's own sentence."""
    return typer.Option(f"--{name.replace('_', '-')}", help=settings.explain(name), show_default=False)


def decided_by(flags: Mapping[str, object], *besides: str) -> settings.Settings:
    """The settings that a command was given, by flags among others."""
    given = {name: value for name, value in flags.items() if name not in besides}
    return settings.load(given, os.environ, Path.cwd())


Folder = Path | None
Data = Annotated[Folder, flag("data")]
Keys = Annotated[Folder, flag("keys")]
KeysMirror = Annotated[Folder, flag("keys_mirror")]
MasterKeyFile = Annotated[Folder, flag("master_key_file")]
DatabaseUrl = Annotated[str | None, flag("database_url")]
MasterKeyCommand = Annotated[str | None, flag("master_key_command")]
KeyId = Annotated[str, typer.Argument(help="The id of the access key, AKIA...")]
