"""The pytest plugin, in real runs of pytest on the tests of somebody who builds on Cenote."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import GUIDE, README, is_a_test_module, snippets_of

pytest_plugins = ["pytester"]

FIXTURES = ("cenote_settings", "cenote_server", "cognito_idp", "cenote_inbox", "cenote_clock")


def run(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    """A run of its own process, in which warnings are errors."""
    return pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", *words)


@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.name)
def test_the_tests_that_a_page_shows_pass(pytester: pytest.Pytester, page: Path):
    (shown,) = filter(is_a_test_module, snippets_of(page))
    pytester.makepyfile(shown)
    run(pytester).assert_outcomes(passed=shown.count("def test_"))


def test_an_inbox_begins_with_its_test_and_the_clock_goes_on(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import time

        import pytest

        @pytest.fixture(scope="session")
        def app(cognito_idp):
            pool_id = cognito_idp.create_user_pool(PoolName="mine", AutoVerifiedAttributes=["email"])
            pool_id = pool_id["UserPool"]["Id"]
            made = cognito_idp.create_user_pool_client(UserPoolId=pool_id, ClientName="app")
            return made["UserPoolClient"]["ClientId"]

        def sign_up(cognito_idp, app, name):
            email = [{"Name": "email", "Value": f"{name}@example.com"}]
            cognito_idp.sign_up(ClientId=app, Username=name, Password="Correct-horse1", UserAttributes=email)

        def test_one(cognito_idp, app, cenote_inbox, cenote_clock):
            sign_up(cognito_idp, app, "ann")
            assert len(cenote_inbox.code_for("ann@example.com")) == 6
            cenote_clock.advance(3600)

        def test_another(cognito_idp, app, cenote_inbox, cenote_clock):
            assert cenote_inbox.messages() == []
            with pytest.raises(LookupError):
                cenote_inbox.code_for("ann@example.com")
            sign_up(cognito_idp, app, "bob")
            assert cenote_inbox.wait("bob@example.com").to == "bob@example.com"
            assert cenote_clock.now().timestamp() > time.time() + 3000
        """
    )
    run(pytester).assert_outcomes(passed=2)


def test_settings_are_a_fixture_to_be_defined_anew(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def cenote_settings():
            return {"region": "eu-west-3"}

        def test_region(cenote_server, cognito_idp):
            assert cenote_server.region == cognito_idp.meta.region_name == "eu-west-3"
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_the_server_is_gone_after_the_run(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pathlib

        def test_place(cenote_server):
            pathlib.Path("place").write_text(str(cenote_server.path))
        """
    )
    run(pytester).assert_outcomes(passed=1)
    assert not Path((pytester.path / "place").read_text()).exists()


def test_workers_of_xdist_have_a_server_each(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pathlib

        import pytest

        @pytest.mark.parametrize("number", range(2))
        def test_place(cenote_server, worker_id, number):
            pathlib.Path(worker_id).write_text(str(cenote_server.path))
        """
    )
    run(pytester, "-n", "2", "--dist", "each").assert_outcomes(passed=4)
    places = {(pytester.path / worker).read_text() for worker in ("gw0", "gw1")}
    assert len(places) == 2


def test_who_does_not_ask_for_it_does_not_pay_for_it(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            loaded = {name for name in sys.modules if name.startswith(("cenote.", "boto", "falcon"))}
            assert loaded == {"cenote.testing", "cenote.testing.plugin"}
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_each_fixture_says_what_it_is(pytester: pytest.Pytester):
    listed = run(pytester, "--fixtures").stdout.str()
    for name in FIXTURES:
        said = re.search(rf"^{name}\b.* -- .*plugin\.py:\d+\n    (\S.*)", listed, re.MULTILINE)
        assert said, name
        assert "no docstring" not in said.group(1)


def test_pytest_finds_the_plugin_by_its_entry_point():
    script = "from importlib.metadata import entry_points as e; print(*e(group='pytest11', name='cenote'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "cenote.testing.plugin" in done.stdout
