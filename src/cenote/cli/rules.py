"""
`cenote rules`: who may call from where, and how often, decided beside running servers.

They hold it within a second.  What a rule is stands in `domain/rules.py`.
"""

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cenote.cli.flags import Data, DatabaseUrl, decided_by
from cenote.domain.rules import RULES_MAX, Kind, Rule, network_of, rate_of
from cenote.errors import CenoteError, ForbiddenException
from cenote.settings import Settings

if TYPE_CHECKING:
    from cenote.store.transaction import Transaction

ID_BYTES = 4

app = typer.Typer(help="Who may call from where, and how often.", no_args_is_help=True)

Pool = Annotated[
    str | None, typer.Option("--pool", help="The pool that the rule is about; without it, every pool.")
]


@app.command("add")
def add_rule(
    *,
    pool: Pool = None,
    operation: Annotated[
        str | None, typer.Option(help="One operation of users, such as DeleteUser; without it, all of them.")
    ] = None,
    block: Annotated[str | None, typer.Option(help="Refuse calls from this address or network.")] = None,
    allow_only: Annotated[
        str | None, typer.Option(help="Refuse calls from anywhere but here and the rule's like.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Refuse more calls of one address than, for example, 100/300s.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Refuse calls by their address, with ForbiddenException."""
    decided = decided_by({"data": data, "database_url": database_url})
    _require_operation(operation)
    rule = _new_rule({Kind.BLOCK: block, Kind.ALLOW_ONLY: allow_only, Kind.RATE: rate}, pool, operation)
    from cenote.cli.beside import give, store_beside

    with store_beside(decided) as store:
        give(store, partial(_add, rule))
    print(f"{rule.rule_id} is added.")


@app.command("list")
def list_rules(*, pool: Pool = None, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """List the rules, the oldest first; those of one pool with those of every pool."""
    decided = decided_by({"data": data, "database_url": database_url})
    rows = [("ID", "POOL", "OPERATION", "RULE")]
    rows += [
        (one.rule_id, one.pool_id or "every", one.operation or "every", _in_words(one))
        for one in _every_rule(decided)
        if pool is None or one.pool_id in {pool, None}
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command("remove")
def remove_rule(
    rule_id: Annotated[str, typer.Argument(help="The id of the rule, as `list` shows it.")],
    *,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a rule."""
    decided = decided_by({"data": data, "database_url": database_url})
    from cenote.cli.beside import give, store_beside

    with store_beside(decided) as store:
        is_gone = give(store, lambda tx: tx.orders.take_rule(rule_id))
    if not is_gone:
        raise CenoteError(f"There is no rule {rule_id}; `cenote rules list` shows which there are.")
    print(f"{rule_id} is removed.")


def _new_rule(given: dict[Kind, str | None], pool_id: str | None, operation: str | None) -> Rule:
    said = [(kind, text) for kind, text in given.items() if text is not None]
    if len(said) != 1:
        raise CenoteError("Say what the rule does: one of --block, --allow-only and --rate.")
    kind, text = said[0]
    network, requests, window_s = None, 0, 0
    try:
        if kind is Kind.RATE:
            requests, window_s = rate_of(text)
        else:
            network = str(network_of(text))
    except ValueError as wrong:
        raise CenoteError(f"--{kind.value} {wrong}.") from wrong
    return Rule(
        rule_id=f"rule-{secrets.token_hex(ID_BYTES)}",
        kind=kind,
        pool_id=pool_id,
        operation=operation,
        network=network,
        requests=requests,
        window_s=window_s,
        created_ms=time.time_ns() // 1_000_000,
    )


def _require_operation(name: str | None) -> None:
    """Refuse a rule about an operation that no rule can meet."""
    if name is None:
        return
    from cenote.wire.model import Model

    known = Model.load().operations.get(name)
    if known is None:
        raise CenoteError(f"There is no operation {name}.")
    if ForbiddenException.__name__ not in known.errors:
        raise CenoteError(
            f"Rules don't meet {name}, which documents no ForbiddenException; the policies of access keys"
            " (aws:SourceIp) meet what administrators do."
        )


def _add(rule: Rule, tx: "Transaction") -> None:
    if tx.orders.count_rules() >= RULES_MAX:
        raise CenoteError(f"There can be at most {RULES_MAX} rules.")
    if not tx.orders.add_rule(rule):
        raise CenoteError(f"There is no pool {rule.pool_id}.")


def _every_rule(settings: Settings) -> list[Rule]:
    from cenote.cli.beside import store_beside

    with store_beside(settings) as store:
        return store.read(lambda tx: tx.orders.list_rules())


def _in_words(rule: Rule) -> str:
    if rule.kind is Kind.RATE:
        return f"{rule.kind.value} {rule.requests}/{rule.window_s}s"
    return f"{rule.kind.value} {rule.network}"
