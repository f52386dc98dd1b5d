"""The settings file: found, parsed, merged with the environment, or refused."""

from __future__ import annotations

import os

import pytest

from bridge.errors import ConfigurationError
from bridge.settings import Settings, load_settings, settings_file

FULL = """
data_dir = "state"
strict_status = true
trusted_proxies = ["127.0.0.1"]
database.url = "sqlite:///state/bridge.db"

[rate_limit]
slots = 5
max_wait_s = 30
lease_s = 7.5
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A settings file in a directory of its own, which `BRIDGE_CONFIG` names."""
    path = tmp_path / "bridge.toml"
    path.touch(mode=0o600)
    monkeypatch.setenv("BRIDGE_CONFIG", str(path))
    return path


def refusal():
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_file_gives_tables_lists_numbers_and_relative_paths(file):
    file.write_text(FULL)

    loaded = load_settings()

    folder = file.parent
    assert loaded.file == file
    assert loaded.settings == Settings(
        data_dir=folder / "state",
        strict_status=True,
        trusted_proxies=("127.0.0.1",),
        database_url=f"sqlite:///{folder}/state/bridge.db",
        rate_limit_slots=5,
        rate_limit_max_wait_s=30,
        rate_limit_lease_s=7.5,
    )
    assert loaded.sources["rate_limit_slots"] == str(file)
    assert loaded.sources["log_level"] == "default"


def test_a_key_may_also_be_written_as_its_whole_name(file):
    file.write_text("rate_limit_slots = 5\nrate_limit.slots_per_instance = 6")

    settings = load_settings().settings

    assert (settings.rate_limit_slots, settings.rate_limit_slots_per_instance) == (5, 6)


@pytest.mark.parametrize(
    ("variable", "source"),
    [
        ("BRIDGE_RATE_LIMIT_SLOTS", "environment BRIDGE_RATE_LIMIT_SLOTS"),
        ("BRIDGE_GOVERNOR_LANES", "environment BRIDGE_GOVERNOR_LANES (old name)"),
    ],
)
def test_the_environment_wins_over_the_file(file, monkeypatch, variable, source):
    file.write_text(FULL)
    monkeypatch.setenv(variable, "8")

    loaded = load_settings()

    assert loaded.settings.rate_limit_slots == 8
    assert loaded.sources["rate_limit_slots"] == source


def test_the_first_file_found_is_read(tmp_path, monkeypatch):
    here, system = tmp_path / "bridge.toml", tmp_path / "etc.toml"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", system)
    monkeypatch.delenv("BRIDGE_CONFIG")

    assert load_settings().file is None
    system.touch(mode=0o600)
    system.write_text("rate_limit.slots = 4")
    assert load_settings().settings.rate_limit_slots == 4
    here.touch(mode=0o600)
    here.write_text("log.level = 'debug'")
    loaded = load_settings()
    assert (loaded.file, loaded.settings.rate_limit_slots) == (here, 3)
    monkeypatch.setenv("BRIDGE_CONFIG", "etc.toml")
    assert load_settings().file == system
    monkeypatch.setenv("BRIDGE_CONFIG", "")
    assert load_settings().file is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (
            "rate_limit.slots = '3'",
            "rate_limit.slots must be a whole number from 1 to 1000.",
        ),
        (
            "rate_limit.slots = true",
            "rate_limit.slots must be a whole number from 1 to 1000.",
        ),
        (
            "rate_limit.slots = 2.5",
            "rate_limit.slots must be a whole number from 1 to 1000.",
        ),
        ("rate_limit.slots = 0", "rate_limit.slots must be greater than or equal to 1"),
        (
            "[rate_limit]\nlease_s = '3'",
            "rate_limit.lease_s must be a number above 0 and up to 3600.",
        ),
        ("rate_limit.lease_s = inf", "rate_limit.lease_s must be a finite number."),
        ("strict_status = 1", "strict_status must be true or false."),
        ("public_url = 1", "public_url must be a text in quotes."),
        ("data_dir = 2026-11-30", "data_dir must be a text in quotes."),
        (
            r"data_dir = 'x\u0000'".replace("'", '"'),
            "must not contain a NUL character.",
        ),
        ('"\\u001b[31m" = 1', 'there is no key "\\u001b[31m"; remove it.'),
        ("[keys]\na = 1", "keys must be a text in quotes."),
        ("trusted_proxies = '::1'", 'a list such as ["127.0.0.1", "10.0.0.0/8"].'),
        ("trusted_proxies = ['x']", 'a list such as ["127.0.0.1", "10.0.0.0/8"].'),
        ("metrics.networks = [1]", 'a list such as ["10.0.0.0/8"].'),
        ("log.level = 'loud'", "log.level must be 'debug', 'info'"),
        (
            "rate_limit = { lease_s = 12, max_wait_s = 12 }",
            "rate_limit.lease_s must be less than rate_limit.max_wait_s, 12.",
        ),
        (
            "rate_limit.slotz = 3",
            "there is no key rate_limit.slotz; did you mean rate_limit.slots?",
        ),
        (
            "[http]\ntimezone = 'UTC'",
            "there is no key http.timezone; did you mean autotask.timezone?",
        ),
        (
            "BRIDGE_DATA_DIR = 'x'",
            "there is no key BRIDGE_DATA_DIR; did you mean data_dir?",
        ),
        ("[nonsense]", "there is no key nonsense; remove it."),
        ("governor_lanes = 3", "governor_lanes is now rate_limit.slots; rename it."),
        ("timezone = 'UTC'", "timezone is now autotask.timezone; rename it."),
        (
            "rate_limit_slots = 3\n[rate_limit]\nslots = 3",
            "rate_limit_slots and rate_limit.slots are the same setting",
        ),
        (
            "keys = 'a'\nkeys_file = 'b'",
            "keys and keys_file are both set; remove one of them.",
        ),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_its_place(file, text, form):
    file.write_text(text)

    message = refusal()

    assert message.startswith(f"{file}: ")
    assert form in message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("data_dir = 'x'\n\nrate_limit.slots 3", ", line 3: "),
        ("data_dir = 'hush", ", line 1: "),
        ("data_dir = [\n", ", line 1: "),
        ("log.level = 'info'\ndata_dir = [\n\n", ", line 2: "),
        ("data_dir = 'a'\ndata_dir = 'b'", ", line 2: "),
        ("x = " + "[" * 100_000, " is nested too deep"),
        ("x = " + "1" * 5000, " is not valid TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_its_line(file, text, place):
    file.write_text(text)

    message = refusal()

    assert message.startswith(f"{file}{place}")
    assert "hush" not in message


def test_a_file_that_is_not_text_is_refused_with_its_line(file):
    file.write_bytes(b"data_dir = 'x'\npublic_url = '\xff'")

    assert refusal() == (
        f"The settings file {file}, line 2: not UTF-8 text; save it as UTF-8."
    )


def test_a_missing_file_that_is_named_is_refused(file):
    file.unlink()

    assert refusal() == (
        f"The settings file {file} does not exist; create it, or correct its path."
    )


def test_a_directory_is_refused(file):
    file.unlink()
    file.mkdir()

    assert "cannot be read: Is a directory" in refusal()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("named", ["settings", "secret"])
def test_a_pipe_or_a_device_is_refused_without_being_read(
    file, make, named, monkeypatch
):
    odd = file.with_name("odd")
    make(odd)
    place = f"The settings file {odd}"
    if named == "secret":
        file.write_text('keys_file = "odd"')
        place = f"{file}: keys_file names {odd}, which"
    else:
        monkeypatch.setenv("BRIDGE_CONFIG", str(odd))

    assert refusal() == f"{place} is not a regular file; correct its path."


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(file, mode):
    file.chmod(mode)

    message = refusal()

    assert "may be written by other users" in message
    assert f"`chmod go-w {file}`" in message


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may chown")


@needs_root
def test_a_file_of_another_user_is_refused(file):
    os.chown(file, 12345, -1)

    message = refusal()

    assert "belongs to 12345" in message
    assert f"`chown root {file}`" in message


def test_a_relative_path_needs_a_current_directory(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert "current directory, which no longer exists" in refusal()
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(tmp_path))
    assert load_settings().file is None
    monkeypatch.setenv("BRIDGE_CONFIG", "bridge.toml")
    assert "current directory, which no longer exists" in refusal()


class TestSecretsInFiles:
    @pytest.fixture
    def secret(self, tmp_path):
        path = tmp_path / "secret"
        path.write_text("hush\n")
        path.chmod(0o600)
        return path

    @pytest.mark.parametrize("key", ["integration_code", "keys", "database.url"])
    def test_a_file_gives_a_secret_without_its_newline(self, file, secret, key):
        file.write_text(f"{key}_file = 'secret'")

        loaded = load_settings()

        field = key.replace(".", "_")
        assert getattr(loaded.settings, field).get_secret_value() == "hush"
        assert loaded.sources[field] == f"file {secret}"
        assert loaded.secrets_in_file() == []

    def test_a_variable_names_the_file_and_wins(self, file, secret, monkeypatch):
        file.write_text("integration_code = 'other'")
        monkeypatch.setenv("BRIDGE_INTEGRATION_CODE_FILE", str(secret))

        loaded = load_settings()

        assert loaded.settings.integration_code.get_secret_value() == "hush"

    def test_a_variable_wins_over_a_file_that_is_not_there(self, file, monkeypatch):
        file.write_text("keys_file = 'nowhere'")
        monkeypatch.setenv("BRIDGE_KEYS", "mine")

        assert load_settings().settings.keys.get_secret_value() == "mine"

    def test_both_variables_are_refused(self, secret, monkeypatch):
        monkeypatch.setenv("BRIDGE_KEYS", "hush")
        monkeypatch.setenv("BRIDGE_KEYS_FILE", str(secret))

        assert refusal() == (
            "BRIDGE_KEYS and BRIDGE_KEYS_FILE are both set; unset one of them."
        )

    def test_empty_variables_give_no_secret(self, file, monkeypatch):
        file.write_text("keys = 'hush'")
        monkeypatch.setenv("BRIDGE_KEYS", "")
        monkeypatch.setenv("BRIDGE_KEYS_FILE", "")

        assert load_settings().settings.keys is None

    def test_a_missing_file_is_named_with_its_variable(self, tmp_path, monkeypatch):
        path = tmp_path / "nowhere"
        monkeypatch.setenv("BRIDGE_DATABASE_URL_FILE", str(path))

        assert refusal() == (
            f"BRIDGE_DATABASE_URL_FILE names {path}, which does not exist; create it, "
            "or correct its path."
        )

    def test_an_empty_file_is_refused(self, file, secret):
        file.write_text("[database]\nurl_file = 'secret'")
        secret.write_text("\n")

        assert refusal() == (
            f"{file}: database.url_file names {secret}, which is empty; write the "
            "value into it."
        )

    def test_a_file_that_others_may_write_is_refused(self, file, secret):
        file.write_text("keys_file = 'secret'")
        secret.chmod(0o666)

        message = refusal()

        assert f"`chmod go-w {secret}`" in message
        assert "hush" not in message
