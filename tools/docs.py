"""Write the generated pages of docs/; the tests under tests/docs/ hold each page against its source."""

from collections.abc import Callable
from pathlib import Path

from cenote.app import load_operations
from cenote.domain.quotas import quotas_page
from cenote.settings import settings_page
from cenote.wire.coverage import operations_page
from cenote.wire.model import Model
from tests.proof.matrix import proof_section

ROOT = Path(__file__).parents[1]
SECURITY = "docs/security.md"
PROOF_BEGINS = "<!-- The proof is written by `make docs`. -->\n"
PROOF_ENDS = "<!-- The end of the proof. -->\n"


def what_is_served() -> str:
    """The page of operations: the installed model beside the registry."""
    return operations_page(Model.load().operations, load_operations().keys())


def with_the_proof() -> str:
    """The page of security, the proof between its two marks written anew."""
    page = (ROOT / SECURITY).read_text(encoding="utf-8")
    before, _, behind = page.partition(PROOF_BEGINS)
    _, _, after = behind.partition(PROOF_ENDS)
    return f"{before}{PROOF_BEGINS}\n{proof_section()}\n\n{PROOF_ENDS}{after}"


PAGES: dict[str, Callable[[], str]] = {
    "docs/operations.md": what_is_served,
    "docs/quotas.md": quotas_page,
    SECURITY: with_the_proof,
    "docs/settings.md": settings_page,
}


def main() -> None:
    """Write every generated page, and say which of them changed."""
    for name, page in PAGES.items():
        file, text = ROOT / name, page()
        changed = not file.exists() or file.read_text(encoding="utf-8") != text
        if changed:
            file.write_text(text, encoding="utf-8")
        print(f"{name}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
