"""
Who may call a signed operation.

Development accepts any credentials, as long as there are some: a client that forgot to sign must notice.
Elsewhere there are no access keys yet, so nobody's signature can be right and every signed call is refused.
Operations without a signature in the model never come here: their `Authorization` is ignored.
"""

from cenote.errors import MissingAuthenticationTokenException, UnrecognizedClientException


def check_signature(authorization: str | None, *, accepts_any: bool) -> None:
    """Refuse a signed operation that is not signed, or by nobody we know."""
    if not authorization:
        raise MissingAuthenticationTokenException
    if not accepts_any:
        raise UnrecognizedClientException
