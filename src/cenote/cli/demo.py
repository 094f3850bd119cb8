"""
`cenote demo`: a user comes, signs in, deletes themself, and then every door that they used is tried.

Owns the story.  The server is a real process (`demo_server.py`), the client unmodified boto3, which is lent
the client's half of SRP (`testing/srp.py`), and each answer is judged and shown (`demo_report.py`).
"""

import importlib.util
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from cenote.cli.demo_report import DONE, SHUT, SURPRISE, Report, Row, answer_to, judged
from cenote.cli.demo_server import House, Server
from cenote.errors import CenoteError
from cenote.testing.srp import sign_in

NAME, EMAIL, PASSWORD = "ann", "ann@example.com", "Every-door-1-shut"
FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]

NOBODY = "UserNotFoundException: User does not exist."
REFRESH_GONE = "NotAuthorizedException: The user has been deleted for the associated refresh token"
UNCONFIRMED = "UserNotConfirmedException: User is not confirmed."
SOMEBODY_ELSE = "NotAuthorizedException: Invalid access token."


@dataclass(frozen=True, slots=True)
class Person:
    """A user as they know themself: who they are, and the tokens in their pocket."""

    client_id: str
    sub: str
    access_token: str
    refresh_token: str


def run() -> int:
    """Tell the story to a real server and show every answer; 0 when none of them was a surprise."""
    if importlib.util.find_spec("boto3") is None:
        raise CenoteError(
            "The demo calls its server through boto3, which is not installed: pip install boto3."
        )
    console, began = Console(highlight=False), time.monotonic()
    with console.status("Starting a server ...") as status, tempfile.TemporaryDirectory("-cenote") as root:
        report = Report(status.update)
        try:
            tell(House(Path(root).resolve()), report)
        except Exception as failure:  # noqa: BLE001 - whatever it was, it is shown where the story broke off
            report.stopped(failure)
    console.print(report.table())
    console.print(summary(report, time.monotonic() - began))
    console.print("A server of your own: make serve.  What it keeps and how: docs/security.md.", style="dim")
    return 1 if report.surprises() else 0


def tell(house: House, report: Report) -> None:
    """The whole story: one life on a server, its end, and an older copy of the database put back."""
    with house.serving(house.data) as server:
        ann = _come(server, report)
        _keep_a_backup(house, report, ann)
        _go(server, report, ann)
        _try_every_door(server, report, ann)
        _let_a_namesake_in(server, report, ann)
        _search_every_file(house, report, ann)
    _put_the_backup_back(house, report, ann)


def summary(report: Report, spent_s: float) -> str:
    """The last line: how many answers, how many surprises, how long it took."""
    count, surprises = len(report.rows()), report.surprises()
    if surprises:
        return f"[bold red]{surprises} of {count} answers were a surprise[/], in {spent_s:.1f} s."
    return f"[bold green]{count} answers, no surprise[/], in {spent_s:.1f} s."


def _come(server: Server, report: Report) -> Person:
    report.begin("A user comes")
    cognito = server.client
    pool_id = cognito.create_user_pool(PoolName="demo", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    report.saw("create_user_pool", pool_id)
    made = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="demo", ExplicitAuthFlows=FLOWS)
    client_id = made["UserPoolClient"]["ClientId"]
    report.saw("create_user_pool_client", client_id)
    sub = _sign_up(server, report, client_id)
    _confirm(server, report, client_id)
    tokens = _sign_in_by_srp(server, report, pool_id, client_id)
    _read_profile(server, report, sub, tokens["AccessToken"])
    return Person(client_id, sub, tokens["AccessToken"], tokens["RefreshToken"])


def _sign_up(server: Server, report: Report, client_id: str) -> str:
    mail = {"Name": "email", "Value": EMAIL}
    answer = server.client.sign_up(
        ClientId=client_id, Username=NAME, Password=PASSWORD, UserAttributes=[mail]
    )
    sub: str = answer["UserSub"]
    report.saw(f"sign_up, {NAME}: the sub", sub)
    return sub


def _confirm(server: Server, report: Report, client_id: str) -> None:
    mail = server.inbox(EMAIL)[0]
    report.saw(f"the mail to {EMAIL}", mail["body"].strip())
    answer = answer_to(
        server.client.confirm_sign_up, ClientId=client_id, Username=NAME, ConfirmationCode=mail["code"]
    )
    report.add(judged("confirm_sign_up, that code", "HTTP 200", answer, word=DONE))


def _sign_in_by_srp(server: Server, report: Report, pool_id: str, client_id: str) -> dict[str, str]:
    """Prove the password without sending it, as Amplify and the other clients do."""
    answer = sign_in(server.client, client_id=client_id, pool_id=pool_id, username=NAME, password=PASSWORD)
    tokens: dict[str, str] = answer["AuthenticationResult"]
    report.saw("sign-in by SRP, both legs", ", ".join(sorted(tokens)))
    return tokens


def _read_profile(server: Server, report: Report, sub: str, access_token: str) -> None:
    answer = server.client.get_user(AccessToken=access_token)
    profile = {pair["Name"]: pair["Value"] for pair in answer["UserAttributes"]}
    shown = "\n".join(f"{name} {value}" for name, value in profile.items())
    report.saw("get_user", shown, is_right=(profile["sub"], profile["email"]) == (sub, EMAIL))


def _keep_a_backup(house: House, report: Report, person: Person) -> None:
    report.begin("The data folder is backed up")
    report.saw("cp -r data backup", f"{house.back_up():,} bytes")
    receipt = _receipt(house.verify(person.sub, house.backup))
    openable = sum(copy["openable"] for copy in receipt["copies"])
    is_right = receipt["verdict"] == "living" and openable > 0
    report.saw("cenote erasure verify SUB", f"{receipt['verdict']}, open {openable}", is_right=is_right)


def _go(server: Server, report: Report, person: Person) -> None:
    report.begin("They delete themself")
    answer = server.client.delete_user(AccessToken=person.access_token)["ResponseMetadata"]
    met = f"HTTP {answer['HTTPStatusCode']}, {answer['HTTPHeaders']['content-length']} bytes"
    report.add(judged("delete_user, access token", "HTTP 200, 0 bytes", met, word=DONE))


def _try_every_door(server: Server, report: Report, person: Person) -> None:
    report.begin("Every door they used is tried")
    _knock(server, report, person)
    report.shut("delete_user, once more", NOBODY, server.client.delete_user, AccessToken=person.access_token)
    messages = server.inbox(EMAIL, wait_s=0)
    report.add(judged("messages kept for them", "0", str(len(messages))))


def _let_a_namesake_in(server: Server, report: Report, person: Person) -> None:
    """Somebody else takes the name and the address: nothing of the first user may pass to the second."""
    report.begin("Somebody else takes the name")
    cognito, token = server.client, person.access_token
    sub = _sign_up(server, report, person.client_id)
    report.add(judged("is it the old sub?", "no", "yes" if sub == person.sub else "no"))
    report.shut("get_user, access token", UNCONFIRMED, cognito.get_user, AccessToken=token)
    _confirm(server, report, person.client_id)
    report.shut("get_user, access token", SOMEBODY_ELSE, cognito.get_user, AccessToken=token)
    report.shut("delete_user, access token", SOMEBODY_ELSE, cognito.delete_user, AccessToken=token)
    report.shut("initiate_auth, refresh token", REFRESH_GONE, cognito.initiate_auth, **_refresh(person))
    tokens = cognito.initiate_auth(**_password_sign_in(person.client_id))["AuthenticationResult"]
    _read_profile(server, report, sub, tokens["AccessToken"])


def _search_every_file(house: House, report: Report, person: Person) -> None:
    """What is left lies in free pages, journals and the backup, and opens for nobody."""
    report.begin("Every file is searched")
    done = house.verify(person.sub, house.backup)
    receipt = _receipt(done)
    report.add(
        judged("cenote erasure verify SUB", "erased, exit 0", f"{receipt['verdict']}, exit {done.returncode}")
    )
    for copy in receipt["copies"]:
        met = f"envelopes {copy['envelopes']}, keys {copy['keys']}, open {copy['openable']}"
        report.add(Row(copy["name"], met, SURPRISE if copy["openable"] else SHUT))
    if not any(copy["keys"] for copy in receipt["copies"] if copy["kind"] == "backup"):
        report.saw("the backup", "holds no key of the user: the search proves nothing", is_right=False)
    for name, clock in receipt["clocks"].items():
        met = ", ".join([clock["state"], *filter(None, [clock["at"]]), *clock["because"]])
        report.saw(name.replace("_", " "), met, is_right=clock["state"] in {"gone", "doubtful"})


def _put_the_backup_back(house: House, report: Report, person: Person) -> None:
    """A server on the older copy finds the user's row, and the slot that says that they are gone."""
    report.begin("The backup is put back")
    with house.serving(house.backup) as server:
        _knock(server, report, person)


def _knock(server: Server, report: Report, person: Person) -> None:
    """Try the three things that let a user in."""
    cognito, password = server.client, _password_sign_in(person.client_id)
    report.shut("get_user, access token", NOBODY, cognito.get_user, AccessToken=person.access_token)
    report.shut("initiate_auth, password", NOBODY, cognito.initiate_auth, **password)
    report.shut("initiate_auth, refresh token", REFRESH_GONE, cognito.initiate_auth, **_refresh(person))


def _receipt(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The receipt that `cenote erasure verify` printed."""
    try:
        receipt: dict[str, Any] = json.loads(done.stdout)
    except ValueError as failure:
        raise CenoteError(f"cenote erasure verify said: {done.stderr.strip()}") from failure
    return receipt


def _password_sign_in(client_id: str) -> dict[str, Any]:
    parameters = {"USERNAME": NAME, "PASSWORD": PASSWORD}
    return {"ClientId": client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}


def _refresh(person: Person) -> dict[str, Any]:
    parameters = {"REFRESH_TOKEN": person.refresh_token}
    return {"ClientId": person.client_id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters}
