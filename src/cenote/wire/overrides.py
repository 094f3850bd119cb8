"""
Where the live service differs from the model that AWS publishes: every deviation, each with its fact.

Owns the list and its application.  A difference that depends on more than a value's shape (the pool's
settings, another member) is not here but in its operation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cenote.wire.shapes import Shape

_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True)
class Override:
    """Fields of a shape as the live service has them, and how we know."""

    fact: str
    changes: Mapping[str, object]


OVERRIDES: Mapping[str, Override] = {
    "PasswordType": Override(
        fact=r"""
            A short password is refused with "Member must have length greater than or equal to 6", a padded
            one with the pattern ^[\S]+.*[\S]+$, which lets a space stand inside (amazon-archives/
            amazon-cognito-identity-js#311, and many applications that match on these texts).  The model says
            [\S]+ and has no minimum: that went when passwordless sign-up made the empty password legal, so
            both hold for a password that is not empty.
        """,
        changes={"min": 6, "pattern": r"^[\S]+.*[\S]+$", "empty_is_legal": True},
    ),
    "OAuthFlowType": Override(
        fact="""
            The live text lists [implicit, client_credentials, code]; the model has another order
            (awsdocs/aws-cloudformation-user-guide#517).
        """,
        changes={"enum": ("implicit", "client_credentials", "code")},
    ),
    "DomainType": Override(
        fact="""
            The member also holds custom domains (auth.example.com) and CloudFront's names, as the reference
            of CreateUserPoolDomain shows; the model's pattern has no dot.  The text quotes the model's.
        """,
        changes={"pattern": rf"^{_LABEL}(?:\.{_LABEL})*+$", "quoted_pattern": f"^{_LABEL}$"},
    ),
}

# Values that the live service answers with although the model would refuse them (facts/admin.md 1.3: the
# built-in attribute has 21 letters, and only a request that names it is told that 20 are the most).
LIVE_ANSWERS = frozenset({("CustomAttributeNameType", "phone_number_verified")})


def overridden(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes as the live service has them.  A name that the model no longer has is passed over."""
    live = {
        name: msgspec.structs.replace(shapes[name], **override.changes)
        for name, override in OVERRIDES.items()
        if name in shapes
    }
    return {**shapes, **live}
