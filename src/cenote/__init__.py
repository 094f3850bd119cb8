"""
Cenote: user pools you own, behind the Amazon Cognito user pools API.

The public face: `start` puts a server into this process.  Importing this package loads nothing else.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cenote.embedded.server import Server
    from cenote.errors import CenoteError

__all__ = ["CenoteError", "Server", "__version__", "start"]
__version__ = "0.1.0"


def start(path: "str | os.PathLike[str] | None" = None, **settings: Any) -> "Server":
    """
    Start a server in this process; nothing listens on a port.

    With a path, data and keys lie in that folder and are there again at the next start; without one they
    lie in a temporary folder and go when the server is closed.  `settings` are those of `docs/settings.md`,
    except for what concerns the port and the processes.  Neither variables nor files are read.  `CenoteError`
    says in a sentence why a server can't be started, for one because another has the folder.
    """
    from cenote.embedded.server import start as start_server

    return start_server(path, settings)


if not TYPE_CHECKING:  # for a type checker only what is there is there

    def __getattr__(name: str) -> Any:
        """Load what is seldom named when it is."""
        if name == "Server":
            from cenote.embedded.server import Server

            return Server
        if name == "CenoteError":
            from cenote.errors import CenoteError

            return CenoteError
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
