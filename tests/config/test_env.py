from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config import env
from config.env import ConfigError
from config.lockfile import DataDirLock


def test_a_value_comes_from_the_environment_or_else_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLOUR", "green")
    assert env.env_str("COLOUR", "red") == "green"
    monkeypatch.delenv("COLOUR")
    assert env.env_str("COLOUR", "red") == "red"


def test_a_required_value_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLOUR", raising=False)
    with pytest.raises(ConfigError, match="COLOUR is required"):
        env.env_str("COLOUR")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    monkeypatch.setenv("TOKEN_FILE", str(secret))
    assert env.env_str("TOKEN", "") == "hush"


def test_a_value_and_its_file_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOKEN", "a")
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "b"))
    with pytest.raises(ConfigError, match="not both"):
        env.env_str("TOKEN")


def test_an_unreadable_secret_file_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="TOKEN_FILE: cannot read"):
        env.env_str("TOKEN", "")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False), ("", False)],
)
def test_booleans(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("FLAG", text)
    assert env.env_bool("FLAG", default=not value) is value


def test_a_boolean_that_is_neither_yes_nor_no_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG", "ture")
    with pytest.raises(ConfigError, match="FLAG"):
        env.env_bool("FLAG", default=True)


def test_whole_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.env_int("ABSENT_NUMBER", 7) == 7
    monkeypatch.setenv("NUMBER", "12")
    assert env.env_int("NUMBER", 7, minimum=12) == 12
    with pytest.raises(ConfigError, match="at least 13"):
        env.env_int("NUMBER", 7, minimum=13)
    with pytest.raises(ConfigError, match="at most 11"):
        env.env_int("NUMBER", 7, maximum=11)
    monkeypatch.setenv("NUMBER", "12.5")
    with pytest.raises(ConfigError, match="whole number"):
        env.env_int("NUMBER", 7)


def test_lists_drop_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", "a.example, ,b.example,")
    assert env.env_list("HOSTS") == ["a.example", "b.example"]
    assert env.env_list("ABSENT_LIST", ["x"]) == ["x"]


def test_the_data_directory_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", "here")
    assert env.data_dir() == tmp_path / "here"
    monkeypatch.setenv("DATA_DIR", "")
    assert env.data_dir() == tmp_path / "data"


def test_what_lies_in_the_data_directory_is_private(tmp_path: Path) -> None:
    env.make_data_dir(tmp_path / "data")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert set(modes.values()) == {0o700}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o711


def test_the_secret_key_is_made_once_and_kept_private(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = env.secret_key(tmp_path)
    assert len(first) >= 50
    assert env.secret_key(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    monkeypatch.setenv("SECRET_KEY", "given")
    assert env.secret_key(tmp_path) == "given"


def test_processes_that_start_at_once_agree_on_the_secret_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(
            pool.map(lambda number: env.create_once(tmp_path / "key", f"key-{number}"), range(64))
        )
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


RUNTIME = env.Runtime("postgresql://a@/b?host=/s", "redis://:p@127.0.0.1:1/0", "http://x:1", 42)


def test_a_running_installation_is_found(tmp_path: Path) -> None:
    with DataDirLock(tmp_path, holder="make run"):
        env.save_runtime(tmp_path, RUNTIME)
        assert env.load_runtime(tmp_path) == RUNTIME


def test_what_a_killed_supervisor_wrote_does_not_count(tmp_path: Path) -> None:
    with DataDirLock(tmp_path, holder="make run"):
        env.save_runtime(tmp_path, RUNTIME)
    assert env.load_runtime(tmp_path) is None


@pytest.mark.parametrize("content", ["", "[]", '{"database_url": "x"}'])
def test_a_damaged_runtime_file_does_not_count(tmp_path: Path, content: str) -> None:
    with DataDirLock(tmp_path, holder="make run"):
        env.runtime_path(tmp_path).write_text(content)
        assert env.load_runtime(tmp_path) is None


def test_the_runtime_file_holds_passwords_and_is_private(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    env.save_runtime(tmp_path, RUNTIME)
    path = env.runtime_path(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["supervisor_pid"] == 42


def test_a_database_url_with_everything() -> None:
    assert env.parse_database_url(
        "postgresql://ada:p%40ss%2Fword@db.example:5433/plumb?sslmode=require"
    ) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "plumb",
        "USER": "ada",
        "PASSWORD": "p@ss/word",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_database_url_of_a_unix_socket() -> None:
    settings = env.parse_database_url("postgres://ada:x@/plumb?host=/tmp/some%20where")
    assert (settings["HOST"], settings["PORT"], settings["OPTIONS"]) == ("/tmp/some where", "", {})


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://a@b/c", "postgresql://"),
        ("postgresql://a@b/", "name a database"),
        ("postgresql://a@b:port/c", "port"),
    ],
)
def test_a_wrong_database_url_is_explained(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        env.parse_database_url(url)
