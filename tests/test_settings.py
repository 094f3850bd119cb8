"""What the operator may decide, and how a wrong decision is told."""

import secrets
from pathlib import Path

import pytest

from cenote.errors import CenoteError
from cenote.settings import Settings, explain, load


def refusal(flags=None, environ=None, folder=Path("nowhere")):
    """The sentence with which these settings are refused."""
    with pytest.raises(CenoteError) as refused:
        load(flags or {}, environ or {}, folder)
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_without_a_word_from_anyone_the_defaults_hold(tmp_path):
    settings = load({}, {}, tmp_path)
    assert settings == Settings(
        data=tmp_path / ".cenote/data",
        keys=tmp_path / ".cenote/data-keys",
        master_key_file=tmp_path / ".cenote/data-master.key",
    )
    assert (settings.host, settings.port, settings.dev) == ("127.0.0.1", 9229, False)


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(tmp_path):
    assert load({}, {}, tmp_path).port == 9229
    (tmp_path / "cenote.toml").write_text("port = 1\n")
    assert load({}, {}, tmp_path).port == 1
    assert load({}, {"CENOTE_PORT": "2"}, tmp_path).port == 2
    assert load({"port": 3}, {"CENOTE_PORT": "2"}, tmp_path).port == 3


def test_a_wrong_value_that_is_beaten_does_no_harm(tmp_path):
    assert load({"port": 3}, {"CENOTE_PORT": "tcp://10.0.0.1:9229"}, tmp_path).port == 3


def test_what_was_not_given_does_not_count(tmp_path):
    assert load({"port": None, "dev": None}, {"CENOTE_PORT": "", "CENOTE_DEV": ""}, tmp_path).port == 9229


def test_no_in_a_flag_beats_yes_in_a_variable(tmp_path):
    assert load({}, {"CENOTE_DEV": "1"}, tmp_path).dev
    assert not load({"dev": False}, {"CENOTE_DEV": "1"}, tmp_path).dev


def test_every_setting_is_read_from_the_file(tmp_path):
    (tmp_path / "cenote.toml").write_text(
        'dev = true\nhost = "::1"\nport = 0\ndata = "d"\nkeys = "k"\nkeys_mirror = "m"\n'
        'master_key_file = "f"\nmaster_key_command = "print it"\nregion = "eu-central-1"\n'
        'account = "000000000001"\npublic_url = "https://id.example.com"\nissuer = "aws"\n'
        'threads = 512\nsmtp_url = "smtp://relay"\nsmtp_from = "a@example.com"\n'
        'console_messages = false\nread_only = true\ntrusted_proxies = ["10.0.0.0/8", "::1"]\n'
        'quotas = "aws"\nquota_store_url = "redis://counts"\n[quota_overrides]\nUserUpdate = 100\n'
        '"account:UserUpdate" = 500\n'
    )
    assert load({}, {}, tmp_path) == Settings(
        dev=True,
        host="::1",
        port=0,
        data=tmp_path / "d",
        keys=tmp_path / "k",
        keys_mirror=tmp_path / "m",
        master_key_file=tmp_path / "f",
        master_key_command="print it",
        region="eu-central-1",
        account="000000000001",
        public_url="https://id.example.com",
        issuer="aws",
        threads=512,
        smtp_url="smtp://relay",
        smtp_from="a@example.com",
        console_messages=False,
        read_only=True,
        trusted_proxies=("10.0.0.0/8", "::1"),
        quotas="aws",
        quota_store_url="redis://counts",
        quota_overrides=(("UserUpdate", 100), ("account:UserUpdate", 500)),
    )


def test_keys_follow_the_data_wherever_it_goes(tmp_path):
    settings = load({"data": "there"}, {}, tmp_path)
    assert settings.keys == tmp_path / "there-keys"
    assert settings.master_key_file == tmp_path / "there-master.key"
    assert load({"data": "."}, {}, tmp_path).keys == tmp_path.with_name(tmp_path.name + "-keys")


def test_a_name_that_is_no_setting_is_refused(tmp_path):
    (tmp_path / "cenote.toml").write_text("prot = 9229\n")
    sentence = refusal(folder=tmp_path)
    assert sentence.startswith(
        f"prot (from {tmp_path}/cenote.toml) is no setting; the settings are dev, host,"
    )
    assert "prot is no setting" in refusal({"prot": 1})


@pytest.mark.parametrize("content", [b"port = ", b"\xff", b"port = 1\nport = 2", b"port = " + b"9" * 5000])
def test_a_file_that_is_not_toml_is_refused(tmp_path, content):
    (tmp_path / "cenote.toml").write_bytes(content)
    assert f"{tmp_path}/cenote.toml" in refusal(folder=tmp_path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "cenote.toml").mkdir()
    assert "must be a readable TOML file" in refusal(folder=tmp_path)


def test_a_refusal_names_the_setting_the_source_and_what_is_accepted(tmp_path):
    wanted = "must be a whole number from 0 to 65535, not"
    assert refusal({"port": "high"}) == f"port (from the flag --port) {wanted} 'high'."
    assert refusal(environ={"CENOTE_PORT": "-1"}) == f"port (from the variable CENOTE_PORT) {wanted} '-1'."
    (tmp_path / "cenote.toml").write_text("port = 65536\n")
    assert refusal(folder=tmp_path) == f"port (from {tmp_path}/cenote.toml) {wanted} 65536."


@pytest.mark.parametrize(
    "name,value",
    [
        ("dev", "perhaps"),
        ("dev", 2),
        ("host", "http://localhost"),
        ("host", "localhost:9229"),
        ("host", "999.1.1.1"),
        ("host", "-a" * 2000),
        ("host", ["a"]),
        ("port", True),
        ("port", 1.5),
        ("port", "٣"),
        ("data", ""),
        ("data", "a\0b"),
        ("data", 7),
        ("data", "/"),
        ("data", "~nobody-of-this-name/data"),
        ("master_key_command", " "),
        ("region", "US-EAST-1"),
        ("region", "us-east-1\n"),
        ("region", "useast1"),
        ("account", "12345678901"),
        ("account", "12345678901x"),
        ("public_url", "localhost:9229"),
        ("public_url", "ftp://example.com"),
        ("public_url", "https://example.com/"),
        ("public_url", "https://example.com/path"),
        ("public_url", "https://example.com?query"),
        ("public_url", "https://ann@example.com"),
        ("public_url", "https://"),
        ("public_url", "https://example.com:0"),
        ("public_url", "https://example.com:65536"),
        ("issuer", "cognito"),
        ("issuer", ["cenote"]),
        ("threads", 0),
        ("threads", 513),
        ("quotas", "on"),
        ("quotas", ["aws"]),
        ("quota_overrides", "UserUpdate"),
        ("quota_overrides", "UserUpdate="),
        ("quota_overrides", "UserUpdate=-1"),
        ("quota_overrides", "UserUpdate=1000001"),
        ("quota_overrides", "=1"),
        ("quota_overrides", {"UserUpdate": 1.5}),
        ("quota_store_url", "memcached://host"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "proxy.example.com"),
        ("trusted_proxies", ["10.0.0.0/8", ""]),
        ("read_only", "perhaps"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence_that_names_its_setting(name, value):
    assert refusal({name: value}).startswith(name)


@pytest.mark.parametrize(
    "url", ["http://localhost:9229", "https://id.example.com", "https://[::1]:9229", "http://10.0.0.1"]
)
def test_the_public_url_is_an_origin(tmp_path, url):
    assert load({"public_url": url}, {}, tmp_path).public_url == url


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_development_is_for_loopback_hosts(tmp_path, host):
    assert load({"dev": True, "host": host}, {}, tmp_path).dev


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com"])
def test_development_is_refused_where_others_can_reach_it(host):
    sentence = refusal({"dev": True}, {"CENOTE_HOST": host})
    assert sentence.startswith("dev (from the flag --dev) must be off unless")
    assert f"the host (from the variable CENOTE_HOST) is '{host}'" in sentence
    with pytest.raises(CenoteError, match="dev must be off unless"):
        Settings(dev=True, host=host)


def test_a_line_says_what_a_table_or_a_list_of_the_file_says():
    given = {"quotas": "aws", "quota_overrides": "UserUpdate=100, account:UserUpdate = 500"}
    settings = load(given, {"CENOTE_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}, Path("nowhere"))
    assert settings.quota_overrides == (("UserUpdate", 100), ("account:UserUpdate", 500))
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


def test_quotas_that_are_not_kept_are_not_overridden():
    assert refusal({"quota_overrides": "UserUpdate=1"}) == "quota_overrides needs quotas aws beside it."


def test_the_password_of_the_quotas_store_is_told_to_nobody():
    url = "redis://cenote:hunter2@counts"
    assert "hunter2" not in repr(load({"quota_store_url": url}, {}, Path("nowhere")))
    assert "hunter2" not in refusal({"quota_store_url": "cenote:hunter2@counts"})


def test_the_password_in_a_database_url_is_not_repeated():
    url = "postgresql://ann:hunter2@h/d"
    assert "hunter2" not in repr(load({"database_url": url}, {}, Path("nowhere")))
    assert "hunter2" not in refusal({"database_url": "mysql://ann:hunter2@h/d"})


def test_several_workers_need_a_database_of_their_own_and_no_development():
    assert "workers must be 1" in refusal({"workers": "2"})
    url = "postgresql://h/d"
    assert "workers must be 1" in refusal({"workers": "2", "database_url": url, "dev": True})
    assert load({"workers": "2", "database_url": url}, {}, Path("nowhere")).workers == 2


@pytest.mark.parametrize("name", ["keys", "keys_mirror", "master_key_file"])
def test_keys_do_not_lie_in_the_data_folder(tmp_path, name):
    (tmp_path / "link").symlink_to(tmp_path / "d")
    for place in ("d/inside", "d/../d/inside", "link/inside"):
        sentence = refusal({"data": "d", name: place}, folder=tmp_path)
        assert sentence.startswith(f"{name} (from the flag --{name.replace('_', '-')}) must lie outside")


def test_a_mirror_is_another_folder(tmp_path):
    assert "must be another folder" in refusal({"keys": "k", "keys_mirror": "k"}, folder=tmp_path)


def test_the_master_key_comes_from_its_variable_only(tmp_path):
    key = secrets.token_hex(32)
    assert load({}, {"CENOTE_MASTER_KEY": key}, tmp_path).master_key == key
    assert "CENOTE_MASTER_KEY only" in refusal({"master_key": key})
    (tmp_path / "cenote.toml").write_text(f'master_key = "{key}"\n')
    sentence = refusal(folder=tmp_path)
    assert "CENOTE_MASTER_KEY only" in sentence
    assert key not in sentence


def test_the_master_key_is_not_shown(tmp_path):
    key = secrets.token_hex(32)
    assert key not in repr(load({}, {"CENOTE_MASTER_KEY": key}, tmp_path))


def test_settings_do_not_change(tmp_path):
    settings = load({}, {}, tmp_path)
    with pytest.raises(AttributeError):
        setattr(settings, "port", 1)  # noqa: B010 - mypy knows already


def test_each_setting_explains_itself():
    assert explain("threads") == "How many requests are under way at the same time; the others wait."
    with pytest.raises(CenoteError, match="prot is no setting"):
        explain("prot")


# Messages


def test_a_relay_needs_a_sender_and_stands_in_the_place_of_the_console():
    sentence = "smtp_url needs smtp_from beside it, and console_messages off."
    assert refusal({"smtp_url": "smtp://relay"}) == sentence
    assert refusal({"smtp_url": "smtp://relay", "smtp_from": "a@b.c", "console_messages": True}) == sentence
    assert load({"smtp_url": "smtps://relay", "smtp_from": "a@b.c"}, {}, Path("nowhere")).smtp_url


def test_the_relay_s_password_is_told_to_nobody():
    url = "smtp://cenote:hunter2@relay"
    assert "hunter2" not in repr(load({"smtp_url": url, "smtp_from": "a@b.c"}, {}, Path("nowhere")))
    assert "hunter2" not in refusal({"smtp_url": "cenote:hunter2@relay", "smtp_from": "a@b.c"})
