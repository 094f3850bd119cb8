"""
The API's UserType: a user as lists and AdminCreateUser show them.

Leaves out GetUser and AdminGetUser, whose members have other names.
"""

from collections.abc import Collection

from cenote.domain.attributes import to_wire_sub_first
from cenote.domain.documents import Document
from cenote.domain.times import wire_time
from cenote.domain.users import User


def user_type(user: User, wanted: Collection[str] = ()) -> Document:
    """The user with these attributes, or with all where none is named."""
    pairs = to_wire_sub_first(user.attributes, user.sub)
    return {
        "Username": user.username,
        "Attributes": [pair for pair in pairs if not wanted or pair["Name"] in wanted],
        "UserCreateDate": wire_time(user.created_ms),
        "UserLastModifiedDate": wire_time(user.modified_ms),
        "Enabled": user.enabled,
        "UserStatus": user.status.value,
    }
