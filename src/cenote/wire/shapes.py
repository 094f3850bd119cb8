"""
The service model as AWS publishes it: operations and shapes, read from the installed botocore package.

Owns the reading and nothing else: what a shape demands of a value is in `checks.py`, where the live service
differs from its own model is in `overrides.py`.  Only botocore's data is used: `botocore.session` costs a
quarter of a second, and botocore's own validator knows no `max`, `pattern` or `enum`.
"""

import gzip
import importlib.resources

import msgspec

MODEL_PATH = "data/cognito-idp/2016-04-18/service-2.json.gz"


class Reference(msgspec.Struct, frozen=True):
    """A shape's name where another shape or an operation uses it."""

    shape: str


NOTHING = Reference("")


class Shape(msgspec.Struct, frozen=True):
    """One shape.  The last two fields are never in the model: only `overrides.py` sets them."""

    type: str
    members: dict[str, Reference] = {}
    required: tuple[str, ...] = ()
    member: Reference = NOTHING
    key: Reference = NOTHING
    value: Reference = NOTHING
    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    sensitive: bool = False
    document: bool = False
    exception: bool = False
    fault: bool = False
    quoted_pattern: str | None = None
    empty_is_legal: bool = False


class OperationShape(msgspec.Struct, frozen=True):
    """An operation as the model writes it: without `output` it answers zero bytes, not `{}`."""

    input: Reference
    output: Reference | None = None
    errors: tuple[Reference, ...] = ()
    authtype: str | None = None


class Document(msgspec.Struct, frozen=True):
    """What we read of the model; its prose, and members that only client libraries need, are skipped."""

    operations: dict[str, OperationShape]
    shapes: dict[str, Shape]


def read_document() -> Document:
    """The model of the installed botocore, without its prose.  It takes a few milliseconds."""
    packed = importlib.resources.files("botocore").joinpath(MODEL_PATH).read_bytes()
    return msgspec.json.decode(gzip.decompress(packed), type=Document)
