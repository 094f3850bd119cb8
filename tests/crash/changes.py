"""What an operation changes, in numbers that do not depend on who it was done to."""

from collections import Counter

from tests.books import Books, books_of, untidy
from tests.crash.scene import soon
from tests.crash.stage import Stage, perform, prepared

# What of the tables is compared: numbers that say what an operation did, whoever it was done to.  Counts of
# attempts are left out: they are there to outlive a refusal.
FACTS = (
    "select 'users ' || status || enabled, count(*) from users group by status, enabled",
    "select 'versions of users', coalesce(sum(version), 0) from users",
    "select 'versions of pools', coalesce(sum(version), 0) from pools",
    "select 'versions of clients', coalesce(sum(version), 0) from clients",
    "select 'pools', count(*) from pools",
    "select 'clients', count(*) from clients",
    "select 'secrets', count(*) from client_secrets",
    "select 'groups', count(*) from user_groups",
    "select 'changed groups', count(*) from user_groups where modified_ms > created_ms",
    "select 'keys', count(*) from keys",
    "select 'names', count(*) from names",
    "select 'marks', count(*) from search_marks",
    "select 'messages', count(*) from outbox",
    "select 'generations', coalesce(sum(count), 0) from belongings where kind = 'session'",
    "select kind, count(*) from belongings where kind <> 'attempts' group by kind",
    "select 'ledger', count(*) from ledger",
)


def facts(books: Books) -> Counter[str]:
    """What the tables hold, in numbers."""
    return Counter({str(row[0]): int(row[1]) for sql in FACTS for row in books.query(sql)})


def change(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """What is more or less than before."""
    return {name: after[name] - before[name] for name in {*before, *after} if after[name] != before[name]}


def whole_change(stage: Stage, operation: str) -> dict[str, int]:
    """What the operation changes when nothing is in its way."""
    aim, books = prepared(stage, operation), books_of(stage.house)
    before = facts(books)
    status, answer = perform(stage, operation, aim)
    assert status == 200, answer
    soon(lambda: not untidy(books))
    whole = change(before, facts(books))
    assert whole, f"{operation} changes nothing"
    return whole
