"""The page of settings says what the server reads."""

from dataclasses import fields
from pathlib import Path

from cenote.settings import Settings, settings_page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_what_the_definitions_say():
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "run: make docs"


def test_every_setting_has_its_row():
    for one in fields(Settings):
        row = f"| `{one.name}` | "
        assert row in settings_page()
        assert f"`CENOTE_{one.name.upper()}`" in settings_page()


def test_the_master_key_has_no_flag():
    assert "--master-key`" not in settings_page()
