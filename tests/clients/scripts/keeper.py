"""boto3 and the AWS CLI on a server that asks for signatures: an administrator's day, every call signed."""

from typing import Any

from tests.clients.scripts.speakers import SPEAKERS, Key, Speaker
from tests.clients.scripts.steps import PLACE, must, step

NAME, TEMPORARY, PASSWORD = (PLACE[key] for key in ("name", "temporaryPassword", "password"))
SPELLED = "Zoë 漢字 + ~ /"
KEY = Key(PLACE["keyId"], PLACE["keySecret"])

speaker = SPEAKERS[PLACE["speaker"]]


class Keeper:
    """An administrator, and what they made."""

    def __init__(self, call: Speaker) -> None:
        self.call = call
        self.pool: dict[str, Any] = {}
        self.client_id = ""
        self.challenge: dict[str, Any] = {}

    @property
    def user(self) -> dict[str, str]:
        return {"UserPoolId": self.pool["Id"], "Username": NAME}

    def make_a_pool(self) -> None:
        self.pool = self.call("CreateUserPool", PoolName="kept")["UserPool"]

    def make_a_client(self) -> None:
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        wanted = {"ClientName": "app", "ExplicitAuthFlows": flows}
        made = self.call("CreateUserPoolClient", UserPoolId=self.pool["Id"], **wanted)
        self.client_id = made["UserPoolClient"]["ClientId"]

    def find_the_pool(self) -> None:
        found = self.call("ListUserPools", MaxResults=60)["UserPools"]
        must(hold=self.pool["Id"] in {pool["Id"] for pool in found}, claim="the pool is listed")

    def tag_it(self) -> None:
        self.call("TagResource", ResourceArn=self.pool["Arn"], Tags={"team": "a/b = c"})
        tags = self.call("ListTagsForResource", ResourceArn=self.pool["Arn"])["Tags"]
        must(hold=tags == {"team": "a/b = c"}, claim="the tags are read")

    def make_a_user(self) -> None:
        pairs = [{"Name": "name", "Value": SPELLED}]
        more = {"TemporaryPassword": TEMPORARY, "MessageAction": "SUPPRESS", "UserAttributes": pairs}
        made = self.call("AdminCreateUser", **self.user, **more)["User"]
        must(hold=made["UserStatus"] == "FORCE_CHANGE_PASSWORD", claim="the password must be changed")

    def find_them(self) -> None:
        found = self.call("ListUsers", UserPoolId=self.pool["Id"], Filter=f'name = "{SPELLED}"')["Users"]
        must(hold=[user["Username"] for user in found] == [NAME], claim="the filter finds them")

    def sign_them_in(self) -> str:
        self.challenge = self.call(
            "AdminInitiateAuth",
            UserPoolId=self.pool["Id"],
            ClientId=self.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": NAME, "PASSWORD": TEMPORARY},
        )
        challenge: str = self.challenge["ChallengeName"]
        return challenge

    def answer_for_them(self) -> None:
        answer = self.call(
            "AdminRespondToAuthChallenge",
            UserPoolId=self.pool["Id"],
            ClientId=self.client_id,
            ChallengeName=self.challenge["ChallengeName"],
            Session=self.challenge["Session"],
            ChallengeResponses={"USERNAME": NAME, "NEW_PASSWORD": PASSWORD},
        )
        token = answer["AuthenticationResult"]["AccessToken"]
        must(hold=self.call("GetUser", AccessToken=token)["Username"] == NAME, claim="the token is theirs")


def main() -> None:
    keeper = Keeper(speaker(KEY))
    step("makes a pool", keeper.make_a_pool)
    step("makes a client", keeper.make_a_client)
    step("finds the pool in the list", keeper.find_the_pool)
    step("tags it by its ARN", keeper.tag_it)
    step("makes a user", keeper.make_a_user)
    step("finds them by a name in other letters", keeper.find_them)
    step("signs them in", keeper.sign_them_in)
    step("sets their password in the challenge", keeper.answer_for_them)
    pool = {"UserPoolId": keeper.pool["Id"]}
    mistyped = KEY._replace(secret=KEY.secret[::-1])
    stranger = KEY._replace(key_id="AKIAAAAAAAAAAAAAAAAA")
    step("is refused with a wrong secret", lambda: speaker(mistyped)("DescribeUserPool", **pool))
    step("is refused with a key that nobody made", lambda: speaker(stranger)("DescribeUserPool", **pool))
    step("is refused without a key", lambda: speaker(None)("DescribeUserPool", **pool))
    step("deletes the user", lambda: keeper.call("AdminDeleteUser", **keeper.user))
    step("gone: the user is refused", lambda: keeper.call("AdminGetUser", **keeper.user))
    step("deletes the pool", lambda: keeper.call("DeleteUserPool", **pool))
    step("gone: the pool is refused", lambda: keeper.call("DescribeUserPool", **pool))


if __name__ == "__main__":
    main()
