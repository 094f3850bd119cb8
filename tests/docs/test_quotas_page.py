"""The page of quotas, and what the guide says of them, agree with the server."""

import re
from pathlib import Path

from cenote.domain.quotas import quota_table, quotas_page
from cenote.errors import ForbiddenException, OperationNotEnabledException, TooManyRequestsException
from tests.house import MODEL

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "guides" / "quotas-and-rules.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_table_says():
    assert (DOCS / "quotas.md").read_text(encoding="utf-8") == quotas_page(), "run: make docs"


def test_every_operation_is_on_the_page_once():
    words = re.findall(r"\b[A-Z]\w+\b", quotas_page())
    assert {name: words.count(name) for name in MODEL.operations if words.count(name) != 1} == {}


def test_the_guide_names_quotas_that_there_are():
    named = set(re.findall(r"\b(?:User|Each|Challenge)\w+(?==)|`((?:User|Each|Challenge)\w+)`", GUIDE)) - {""}
    assert named
    assert named <= quota_table({}).per_pool.keys()


def test_the_guide_tells_the_refusals_to_the_letter():
    for kind in (TooManyRequestsException, ForbiddenException, OperationNotEnabledException):
        assert f'| `{kind.__name__}` | {kind.status} | "{kind.message}" |' in GUIDE
