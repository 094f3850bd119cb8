"""
The checks of a request, compiled from shapes.

Owns how shapes nest: structures, lists, maps, what is required, what is told of a refused value.  Leaves out
what one value must be (`constraints.py`), the words (`grammar.py`) and answers (`answers.py`).

A check returns the faults it found, with paths relative to its value, so that a valid request builds no path.
It drops members that the model does not know, as AWS does: a document that is stored must not hold them.
A wrong JSON type is raised at once: AWS reads the whole body before it validates, so that error wins.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from cenote.wire import grammar
from cenote.wire.constraints import ACCEPT, constraints_of
from cenote.wire.grammar import Fault
from cenote.wire.shapes import Shape

Check = Callable[[object], Sequence[Fault]]
ElementsCheck = Callable[[object, Iterable[tuple[object, object]]], list[Fault]]


class Compiler:
    """Compiles each shape once, when first asked.  It holds no lock: the `Model` asks under its own."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._checks: dict[tuple[str, bool], Check] = {}

    def check(self, name: str, *, hidden: bool = False) -> Check:
        """The check of a shape.  `hidden` when something around it is sensitive: its values are not told."""
        hidden = hidden or self._shapes[name].sensitive
        key = name, hidden
        if key not in self._checks:
            self._checks[key] = self._later(key)
            self._checks[key] = self._compiled(self._shapes[name], hidden=hidden)
        return self._checks[key]

    def _later(self, key: tuple[str, bool]) -> Check:
        """A stand-in while a shape is compiled, for a shape may hold itself (none of today's does)."""

        def check(value: object) -> Sequence[Fault]:
            return self._checks[key](value)

        return check

    def _compiled(self, shape: Shape, *, hidden: bool) -> Check:
        if shape.document:
            return lambda _any_json: ()
        if shape.type == "structure":
            return self._structure(shape, hidden=hidden)
        if shape.type == "list":
            return self._list(shape, hidden=hidden)
        if shape.type == "map":
            return self._map(shape, hidden=hidden)
        return _scalar(shape, hidden=hidden)

    def _structure(self, shape: Shape, *, hidden: bool) -> Check:
        members = {
            name: (grammar.lower_camel(name), self.check(reference.shape, hidden=hidden))
            for name, reference in shape.members.items()
        }
        required = {name: self._absent(name, shape, hidden=hidden) for name in shape.required}

        def check(value: object) -> Sequence[Fault]:
            if not isinstance(value, dict):
                raise grammar.unexpected(value, "Unexpected value type in payload")
            for name in [name for name in value if name not in members]:
                del value[name]
            found = [fault for name, fault in required.items() if value.get(name) is None]
            for name, item in value.items():
                if item is not None:
                    path, check_member = members[name]
                    if faults := check_member(item):
                        found += grammar.below(path, faults)
            return found

        return check

    def _absent(self, name: str, shape: Shape, *, hidden: bool) -> Fault:
        hidden = hidden or self._shapes[shape.members[name].shape].sensitive
        return Fault(grammar.lower_camel(name), grammar.given(None, hidden=hidden), grammar.NOT_NULL)

    def _list(self, shape: Shape, *, hidden: bool) -> Check:
        untold = hidden or self._shapes[shape.member.shape].sensitive
        size = _constrained(shape, hidden=untold)
        items = self._elements(shape.member.shape, "Member", hidden=hidden, untold=untold)

        def check(value: object) -> Sequence[Fault]:
            if not isinstance(value, list):
                raise grammar.unexpected(value, "Expected list or null")
            return size(value) + items(value, enumerate(value, start=1))

        return check

    def _map(self, shape: Shape, *, hidden: bool) -> Check:
        untold = (
            hidden or self._shapes[shape.key.shape].sensitive or self._shapes[shape.value.shape].sensitive
        )
        size = _constrained(shape, hidden=untold)
        keys = self._elements(shape.key.shape, "Map keys", hidden=hidden, untold=untold)
        items = self._elements(shape.value.shape, "Map value", hidden=hidden, untold=untold)

        def check(value: object) -> Sequence[Fault]:
            if not isinstance(value, dict):
                raise grammar.unexpected(value, "Expected map or null")
            return size(value) + keys(value, zip(value, value, strict=True)) + items(value, value.items())

        return check

    def _elements(self, name: str, subject: str, *, hidden: bool, untold: bool) -> ElementsCheck:
        """The check of the items of a list, the keys or the values of a map, given as (place, item)."""
        check, shape = self.check(name, hidden=hidden), self._shapes[name]
        no_null = f"{subject} must satisfy constraint: [{grammar.NOT_NULL}]"
        if shape.type not in ACCEPT:
            return _apart(check, no_null, hidden=untold)
        demands = ", ".join(constraint.text for constraint in constraints_of(shape))
        return _together(check, f"{subject} must satisfy constraint: [{demands}]", no_null, hidden=untold)


def _scalar(shape: Shape, *, hidden: bool) -> Check:
    accept = ACCEPT[shape.type]
    constrained = _constrained(shape, hidden=hidden or shape.type == "blob")

    def check(value: object) -> Sequence[Fault]:
        accept(value)
        return constrained(value)

    return check


def _constrained(shape: Shape, *, hidden: bool) -> Callable[[object], list[Fault]]:
    constraints = constraints_of(shape)

    def faults(value: object) -> list[Fault]:
        broken = [constraint.text for constraint in constraints if not constraint.holds(value)]
        return [Fault("", grammar.given(value, hidden=hidden), text) for text in broken] if broken else []

    return faults


def _together(check: Check, demand: str, no_null: str, *, hidden: bool) -> ElementsCheck:
    """Scalars: one fault tells the whole and all that is demanded of an item, however many items break it."""

    def faults(whole: object, elements: Iterable[tuple[object, object]]) -> list[Fault]:
        broken = {no_null if item is None else demand for _, item in elements if item is None or check(item)}
        return [Fault("", grammar.given(whole, hidden=hidden), text) for text in sorted(broken)]

    return faults


def _apart(check: Check, no_null: str, *, hidden: bool) -> ElementsCheck:
    """Structures, lists and maps: each element tells its own faults under its own place."""

    def faults(whole: object, elements: Iterable[tuple[object, object]]) -> list[Fault]:
        found: list[Fault] = []
        for place, item in elements:
            if item is None:
                found.append(Fault("", grammar.given(whole, hidden=hidden), no_null))
            elif broken := check(item):
                found += grammar.below(f"{grammar.cut(str(place))}.member", broken)
            if len(found) >= grammar.FAULTS_REPORTED_MAX:
                break
        return found

    return faults
