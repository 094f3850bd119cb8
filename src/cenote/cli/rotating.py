"""
`cenote keys rotate-master`: another master key, while servers serve.

It can be cut off anywhere and given again: it goes on where it was.  The old key is retired only once nothing
that opens is under it.  Leaves out what a change is (`changeover.py`) and the rows (`rewrapping.py`).
"""

import contextlib
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cenote import changeover
from cenote.changeover import change_under_way, next_file
from cenote.cli.beside import masters_beside, store_beside
from cenote.errors import CenoteError
from cenote.folders import sync_folder
from cenote.rewrapping import Bench, Done, rewrap, slots_left
from cenote.settings import Settings
from cenote.store.beside import SQLiteGuest, is_served
from cenote.store.changeover import Ack
from cenote.store.contract import Store
from cenote.vault.chunks import write_exclusively
from cenote.vault.keys import Keyring
from cenote.vault.master import Master, load_master
from cenote.vault.masters import Masters
from cenote.vault.receipt_key import reseal_receipt_key
from cenote.vault.searching import SlotFiles
from cenote.vault.slots import pair_of

ANSWER_WAIT_S_MIN = 5.0  # each server looks once a second; on PostgreSQL nobody knows how many there are
ANSWER_WAIT_S_MAX = 60.0
POLL_S = 0.1
CALL_BYTES = 8
STEPS_PER_FOLDING = 64
SLOTS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Order:
    """The new key, and how it is to be brought in."""

    following: Master
    is_file: bool  # and not what a command prints: then it may lie beside the old one's file, and replace it
    rows_per_second_max: float | None
    leave_unopenable: bool
    reach: Callable[[str], None] = lambda _name: None


def new_key(file: Path | None, command: str | None) -> Master:
    """The new key, from exactly one of two places; `CenoteError` says what is wrong with it."""
    if (file is None) == (command is None):
        raise CenoteError(
            "Say where the new key is: one of --new-master-key-file and --new-master-key-command."
        )
    if file is not None and not file.exists():
        raise CenoteError(f"The new master key file {file} is missing.")
    return load_master(text=None, command=command, file=file or Path(), may_create=False)


def rotate(settings: Settings, order: Order) -> None:
    """Bring the new key in, or finish what was begun."""
    console = Console(stderr=True)
    with store_beside(settings) as store:
        found = masters_beside(settings, store, also=order.following)
        former = _former(store, found, order.following)
        if former is None:
            _install(settings, order)
            print("The data is sealed with this master key already.")
            return
        masters = Masters(order.following, [former])
        folders, pair = _folders(settings, store)
        if found.current.key_id != order.following.key_id:
            _announce(settings, store, former, order)
        order.reach("announced")
        store.write(partial(changeover.switch, former, order.following))
        order.reach("switched")
        keyring = Keyring(masters, SlotFiles(folders[0]))
        done = _rewrapped(Bench(store, keyring, masters, reach=order.reach), order, console)
        reseal_receipt_key(folders, pair, masters)
        order.reach("receipt key resealed")
        kept = _install(settings, order)
        order.reach("installed")
        store.write(changeover.finish)
    print(f"{done.keys} keys and {done.secrets} secrets are under the new master key.")
    where = "The former key" if kept is None else f"The former key, now {kept},"
    console.print(
        f"{where} opens backups from before; without those, destroy it.", highlight=False, soft_wrap=True
    )


def _former(store: Store, found: Masters, following: Master) -> Master | None:
    """The key that is to be retired; None when that is done."""
    if found.current.key_id != following.key_id:
        return found.current
    change = store.read(lambda tx: change_under_way(tx.meta.find))
    if change is None:
        return None
    former = found.sought(change.former)
    if former is None:
        raise CenoteError("The former master key is not at hand; point --master-key-file to it.")
    return former


def _folders(settings: Settings, store: Store) -> tuple[list[Path], bytes]:
    """The keys folder and its mirror, which must be this data's."""
    pair = store.read(lambda tx: tx.meta.find("pair")) or b""
    folders = [folder for folder in (settings.keys, settings.keys_mirror) if folder is not None]
    for folder in folders:
        if pair_of(folder) != pair:
            raise CenoteError(f"The keys folder {folder} does not belong to this data.")
    return folders, pair


def _announce(settings: Settings, store: Store, former: Master, order: Order) -> None:
    """Tell whoever serves, and go on only once all who answer know the new key."""
    call = secrets.token_hex(CALL_BYTES)
    store.write(partial(changeover.announce, former, order.following, call))
    order.reach("called")
    if _are_files(settings, order):
        _stage(settings, order.following)
    is_awaited = settings.database_url is None and is_served(settings.data)
    if settings.database_url is None and not is_awaited:
        return
    began_s = time.monotonic()
    while True:
        time.sleep(POLL_S)
        waited_s = time.monotonic() - began_s
        acks: list[Ack] = store.read(lambda tx: tx.changeover.list_acks(call))
        unready = [ack.name for ack in acks if not ack.is_known]
        if not unready and (acks if is_awaited else waited_s > ANSWER_WAIT_S_MIN):
            return
        if waited_s > ANSWER_WAIT_S_MAX:
            raise CenoteError(_unready(settings, unready))


def _unready(settings: Settings, names: list[str]) -> str:
    who = "; ".join(names) or "the server"
    return (
        f"The new master key is not known to {who}. Put it at {next_file(settings)} there, or start it again "
        "with the new key, which opens both; then give the command again. Nothing was changed."
    )


def _rewrapped(bench: Bench, order: Order, console: Console) -> Done:
    total = bench.store.read(lambda tx: tx.changeover.count_keys())
    with _progress(console) as progress:
        task = progress.add_task("Rewrapping", total=total)
        folding = _folding(bench.store)

        def told(rows: int) -> None:
            progress.advance(task, rows)
            next(folding)

        working = Bench(
            bench.store, bench.keyring, bench.masters, told, order.reach, order.rows_per_second_max
        )
        done = rewrap(working)
        left = slots_left(working)
    if left and not order.leave_unopenable:
        some = ", ".join(map(str, left[:SLOTS_SHOWN_MAX])) + (", ..." if len(left) > SLOTS_SHOWN_MAX else "")
        raise CenoteError(
            f"{len(left)} keys don't open (slots {some}), so the old master key is not retired: both are "
            "needed. See cenote doctor; --leave-unopenable retires it all the same."
        )
    return done


def _folding(store: Store) -> Iterator[None]:
    """Now and then, copy the embedded database's journal into its file: an idle server would not."""
    steps = 0
    while True:
        steps += 1
        if steps % STEPS_PER_FOLDING == 0 and isinstance(store, SQLiteGuest):
            store.fold()
        yield


def _are_files(settings: Settings, order: Order) -> bool:
    """Whether the old key comes from a file, and the new one too."""
    return order.is_file and settings.master_key is None and settings.master_key_command is None


def _stage(settings: Settings, following: Master) -> None:
    """Put the new key beside the old one's file, where a server on this machine looks for it."""
    place = next_file(settings)
    with _in_words(place):
        if not write_exclusively(place, following.secret.hex().encode() + b"\n"):
            present = load_master(text=None, command=None, file=place, may_create=False)
            if present.key_id != following.key_id:
                raise CenoteError(f"{place} holds another key than the new one; remove it first.")


def _install(settings: Settings, order: Order) -> Path | None:
    """Let the file hold the new key, and keep the old one beside it; where it has gone, if it has."""
    file, following = settings.master_key_file, order.following
    if not _are_files(settings, order):
        return None
    with _in_words(file):
        if load_master(text=None, command=None, file=file, may_create=False).key_id == following.key_id:
            next_file(settings).unlink(missing_ok=True)
            return None
        present = load_master(text=None, command=None, file=file, may_create=False)
        _stage(settings, following)
        kept = file.with_name(f"{file.name}.former-{present.key_id.hex()}")
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(file)
        next_file(settings).replace(file)
        sync_folder(file.parent)
    return kept


@contextmanager
def _in_words(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise CenoteError(f"{place} can't be written: {failure.strerror}.") from failure


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
