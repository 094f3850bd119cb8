"""The house rules for what no linter of ours reads: the scripts that run in Node."""

from pathlib import Path

SCRIPTS = sorted((Path(__file__).parents[1] / "clients" / "scripts").glob("*.mjs"))
LINE_CHARACTERS_MAX = 110
SCRIPT_LINES_MAX = 400


def lines_of(script: Path) -> list[str]:
    return script.read_text(encoding="utf-8").splitlines()


def test_every_script_opens_with_what_it_claims():
    assert SCRIPTS
    assert [script.name for script in SCRIPTS if not lines_of(script)[0].startswith("// ")] == []


def test_a_script_fits_a_screen_s_width_and_is_read_in_one_sitting():
    too_long = [
        f"{script.name}:{number}"
        for script in SCRIPTS
        for number, line in enumerate(lines_of(script), 1)
        if len(line) > LINE_CHARACTERS_MAX or number > SCRIPT_LINES_MAX
    ]
    assert too_long == []


def test_a_script_is_laid_out_by_two_spaces_and_trails_none():
    untidy = [
        f"{script.name}:{number}"
        for script in SCRIPTS
        for number, line in enumerate(lines_of(script), 1)
        if line != line.rstrip() or "\t" in line or (len(line) - len(line.lstrip(" "))) % 2
    ]
    assert untidy == []
