"""Documents, as a request brings them."""

from cenote.domain.documents import without_nulls


def test_a_null_member_is_absent_at_every_depth():
    given = {"A": None, "B": {"C": None, "D": False}, "E": [{"F": None, "G": 0}], "H": ""}
    assert without_nulls(given) == {"B": {"D": False}, "E": [{"G": 0}], "H": ""}


def test_the_copy_shares_nothing_with_the_request():
    given = {"A": {"B": [{"C": 1}]}}
    copy = without_nulls(given)
    copy["A"]["B"][0]["C"] = 2
    assert given == {"A": {"B": [{"C": 1}]}}
