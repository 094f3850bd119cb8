"""The sender that prints: for trying things out, since everybody who sees the terminal sees the codes."""

import sys
from typing import Final

from cenote.domain.registrations import Message


class ConsoleSender:
    """Prints each message, whatever its medium, on stderr."""

    media: Final = frozenset({"EMAIL", "SMS"})

    def send(self, message: Message) -> None:
        """Print it; a console takes everything."""
        subject = f"Subject: {message.subject}\n" if message.subject else ""
        sys.stderr.write(f"--- {message.medium}\nTo: {message.to}\n{subject}\n{message.body.strip()}\n---\n")
        sys.stderr.flush()
