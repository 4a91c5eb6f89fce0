"""Reads the environment and the data directory, before Django starts and beside it.

Nothing here imports Django: the supervisor and manage.py use it too. Each variable may also be
set as NAME_FILE, the path of a file that holds the value, which is how containers pass secrets.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config import lockfile

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


class ConfigError(ValueError):
    """A setting from the environment that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The addresses of a running installation's servers, as its supervisor recorded them."""

    database_url: str
    redis_url: str
    web_url: str
    supervisor_pid: int


def env_str(name: str, default: str | None = None) -> str:
    """The value of `name` or of the file that `name`_FILE points to, else `default`.

    Raises ConfigError if both forms are set, if the file is unreadable, or if neither is set and
    there is no default.
    """
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if value is not None and path is not None:
        raise ConfigError(f"Give {name} or {name}_FILE, not both.")
    if path is not None:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{name}_FILE: cannot read {path}: {error.strerror}.") from error
    if value is not None:
        return value
    if default is None:
        raise ConfigError(f"{name} is required.")
    return default


def env_int(
    name: str, default: int, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """`name` as a whole number from `minimum` to `maximum`."""
    text = env_str(name, str(default))
    try:
        value = int(text)
    except ValueError:
        raise ConfigError(f"{name} must be a whole number, not {text!r}.") from None
    if minimum is not None and value < minimum:
        raise ConfigError(f"{name} must be at least {minimum}, not {value}.")
    if maximum is not None and value > maximum:
        raise ConfigError(f"{name} must be at most {maximum}, not {value}.")
    return value


def env_bool(name: str, *, default: bool) -> bool:
    """`name` as yes or no. Raises on anything else: a typo must not switch a safeguard off."""
    text = env_str(name, "1" if default else "0").strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ConfigError(f"{name} must be one of true, false, yes, no, on, off, 1, 0; not {text!r}.")


def env_list(name: str, default: Sequence[str] = ()) -> list[str]:
    """`name` split at commas, blanks dropped."""
    text = env_str(name, ",".join(default))
    return [part.strip() for part in text.split(",") if part.strip()]


def env_networks(name: str) -> list[IPv4Network | IPv6Network]:
    """`name` as networks in CIDR notation; a plain address is a network of one."""
    try:
        return [ip_network(part) for part in env_list(name)]
    except ValueError as error:
        raise ConfigError(f"{name} must be networks such as 10.0.0.0/8: {error}.") from None


def data_dir() -> Path:
    """The absolute path of the directory that holds everything this installation writes."""
    return Path(os.environ.get("DATA_DIR") or "data").expanduser().absolute()


def make_data_dir(path: Path) -> None:
    """Create `path` and the folders in it.

    `path` is 0711, because an embedded PostgreSQL that root starts runs as another user and must
    pass through it; everything inside is for the owner alone.
    """
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o711)
    for name in ("blobs", "models", "run", "logs", "static"):
        folder = path / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def create_once(path: Path, text: str) -> str:
    """The content of `path`, which is created with `text` if it does not exist.

    Safe when several processes start at once: `link` makes the finished file appear under its
    name or fails, so all of them return what the first one wrote.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        finished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        write_private(finished, text)
        with suppress(FileExistsError):
            os.link(finished, path)
        finished.unlink()
    return path.read_text(encoding="utf-8").strip()


def secret_key(data_dir: Path) -> str:
    """SECRET_KEY, or the key in DATA_DIR/secret.key, which the first start creates."""
    if key := env_str("SECRET_KEY", ""):
        return key
    return create_once(data_dir / "secret.key", secrets.token_urlsafe(48))


def runtime_path(data_dir: Path) -> Path:
    """The file in which the supervisor records the addresses of its servers."""
    return data_dir / "run" / "runtime.json"


def save_runtime(data_dir: Path, runtime: Runtime) -> None:
    """Record `runtime` for manage.py and the workers."""
    write_private(runtime_path(data_dir), json.dumps(asdict(runtime), indent=2) + "\n")


def load_runtime(data_dir: Path) -> Runtime | None:
    """The addresses of the servers running on `data_dir`, or None when none run.

    The file of a supervisor that was killed is ignored, because that no longer holds the lock.
    """
    if not lockfile.is_held(data_dir):
        return None
    try:
        content = json.loads(runtime_path(data_dir).read_text(encoding="utf-8"))
        return Runtime(**content)
    except (OSError, ValueError, TypeError):
        return None


def parse_database_url(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a PostgreSQL URL.

    `postgresql://user:password@host:5432/name?sslmode=require`; for a server on a Unix socket
    `postgresql://user:password@/name?host=/folder/of/the/socket`. Other query parameters
    are passed to libpq. Raises ConfigError for anything that is not PostgreSQL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ConfigError("DATABASE_URL must start with postgresql://")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ConfigError("DATABASE_URL must name a database, as in postgresql://host/plumbline")
    options = dict(parse_qsl(parts.query))
    try:
        port = parts.port
    except ValueError:
        raise ConfigError("DATABASE_URL: the port is not a number.") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": options.pop("port", "") or (str(port) if port else ""),
        "OPTIONS": options,
    }
