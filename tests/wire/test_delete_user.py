"""DeleteUser, as a client sees it."""

from tests.house import Tenant, error_of


def test_a_user_deletes_themself_and_a_second_call_finds_nobody(tenant: Tenant) -> None:
    tokens = tenant.user("ann", email="ann@example.com")
    answer = tenant.cognito.delete_user(AccessToken=tokens["AccessToken"])
    assert set(answer) == {"ResponseMetadata"}
    again = error_of(tenant.cognito.delete_user, AccessToken=tokens["AccessToken"])
    assert again == ("UserNotFoundException", "User does not exist.", 400)
