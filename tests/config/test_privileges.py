from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from config import privileges
from config.privileges import PrivilegeError, choose_identity, is_reachable, prepare_child

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_an_ordinary_user_stays_who_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert choose_identity(tmp_path) is None


def test_root_without_anybody_to_become_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "SERVER_USERS", ("no-such-user",))
    with pytest.raises(PrivilegeError, match="ordinary user, or give DATABASE_URL"):
        choose_identity(tmp_path)


def test_a_folder_is_reachable_when_all_above_it_are_open(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    stranger = os.geteuid() + 12345
    (tmp_path / "outer").chmod(0o700)
    assert not is_reachable(inner, uid=stranger)
    (tmp_path / "outer").chmod(0o701)
    above = [folder.stat().st_mode & 0o001 for folder in tmp_path.parents]
    assert is_reachable(inner, uid=stranger) is (all(above) and bool(tmp_path.stat().st_mode & 1))


@needs_root
def test_root_becomes_nobody_with_one_capability_at_most(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    (closed / "file").write_text("inside")
    identity = choose_identity(closed / "file")
    assert identity is not None
    assert identity.uid in {pwd.getpwnam("nobody").pw_uid, _uid_of("plumbline")}
    look = f"import os; print('Access:\\t', os.access({str(closed / 'file')!r}, os.R_OK))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{look}; print(open('/proc/self/status').read())"],
        preexec_fn=prepare_child(identity=identity),
        capture_output=True,
        text=True,
        check=True,
    )
    fields = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) == {str(identity.uid)}
    assert fields["Groups"].strip() == ""
    assert fields["Access"].strip() == "True"
    assert identity.capability is not None
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(fields[kind], 16) == 1 << identity.capability, kind


def test_root_that_has_no_capability_to_give_is_told_what_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "_effective_capabilities", lambda: 0)
    monkeypatch.setattr(privileges, "is_reachable", lambda *_, **__: False)
    with pytest.raises(PrivilegeError, match="cannot reach"):
        choose_identity(tmp_path)


@needs_root
def test_root_needs_no_capability_where_every_folder_is_open() -> None:
    identity = choose_identity(Path("/usr/bin/env"))
    assert identity is not None
    assert identity.capability is None


def _uid_of(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
