"""
What the scripts share: where the server is, how a step is told, and the code out of the mail.

A step is one line of JSON on stdout: what it was, and what it met: "done", or the error in its own words.
"""

import json
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

PLACE: dict[str, Any] = json.loads(sys.argv[1])


def step(name: str, body: Callable[[], object]) -> None:
    """Do this, and tell what it met."""
    try:
        told = body()
        met = told if isinstance(told, str) else "done"
    except Exception as error:  # noqa: BLE001 - told to the test, whatever it was
        met = in_words(error)
    sys.stdout.write(json.dumps({"step": name, "met": met}) + "\n")
    sys.stdout.flush()


def in_words(error: Exception) -> str:
    """An error as the client gave it: a refusal of the service by its wire name and text."""
    answer = getattr(error, "response", None)
    if isinstance(answer, dict):
        return f"{answer['Error']['Code']}: {answer['Error'].get('Message', '')}"
    return f"{type(error).__name__}: {error}"


def code_sent_to(address: str) -> str:
    """The code in the newest mail to this address."""
    query = urllib.parse.urlencode({"to": address, "wait": 5})
    with urllib.request.urlopen(f"{PLACE['endpoint']}/_cenote/inbox?{query}", timeout=30) as answer:
        code: str = json.load(answer)[0]["code"]
        return code


def must(*, hold: bool, claim: str) -> None:
    """Fail the step unless this holds."""
    if not hold:
        raise AssertionError(f"it does not hold that {claim}")
