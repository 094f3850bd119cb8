"""What tests do on a server in their own process."""

from typing import cast

import cenote
from tests.house import House, Tenant


def tenant_of(server: cenote.Server, **changes: dict[str, object]) -> Tenant:
    """A pool with a client; of a house a tenant asks no more than a client."""
    return Tenant(cast("House", server), **changes)
