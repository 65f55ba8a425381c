"""The container files start what `harbour run` starts, and nothing without keys."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import bootstrap
from bot.settings import Settings
from bot.supervisor import local
from bot.supervisor.processes import Child

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ("POSTGRES_PASSWORD", "HARBOUR_ENCRYPTION_KEYS", "HARBOUR_LOOKUP_KEY")
NEEDED = (*SECRETS, "HARBOUR_ORGANISATION", "HARBOUR_PUBLIC_BASE_URL")
OURS = ("migrate", "engine", "gateway", "worker")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of docker-compose.yml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return found


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Child]:
    """What `harbour run` would start."""
    monkeypatch.setattr(local, "ENGINE_PYTHON", Path(sys.executable))
    settings = Settings(data_folder=tmp_path)
    return {child.name: child for child in local._children(settings, local.LocalServers(settings))}


def options(command: list[str]) -> set[str]:
    """The names of a command's options."""
    return {word for word in command if word.startswith("--")}


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_containers_run_the_command_that_one_machine_runs(
    name: str, services: dict[str, Any], children: dict[str, Child]
) -> None:
    assert services[name]["command"][1:] == list(children[name].command)[1:]


def test_the_engines_container_runs_the_engine_of_one_machine(
    services: dict[str, Any], children: dict[str, Child]
) -> None:
    here, there = list(children["engine"].command), services["engine"]["command"]
    assert there[1:3] == here[1:3] == ["-m", "bot.engine.serve"]
    assert options(here) <= options(there)
    assert there[there.index("--port") + 1] in services["worker"]["environment"]["HARBOUR_ENGINE_URL"]


def test_every_process_of_one_machine_has_a_container(services: dict[str, Any], children: dict[str, Child]) -> None:
    assert set(children) <= set(services)
    assert {"postgres", "valkey"} <= set(services)


def test_containers_are_told_all_that_processes_are_told(services: dict[str, Any], children: dict[str, Child]) -> None:
    for name in ("gateway", "worker"):
        told = set(children[name].environment) - {"HARBOUR_DATA_FOLDER"}
        assert told <= set(services[name]["environment"]), name


def test_a_container_is_well_when_the_process_is(services: dict[str, Any], children: dict[str, Child]) -> None:
    for name, child in children.items():
        path = child.healthy.partition("//")[2].partition("/")[2]
        assert f"/{path}'" in services[name]["healthcheck"]["test"][-1], name


def test_the_schema_and_the_flows_are_there_before_anything_runs(services: dict[str, Any]) -> None:
    assert "harbour db upgrade" in services["migrate"]["command"][-1]
    assert "harbour publish" in services["migrate"]["command"][-1]
    for name in ("gateway", "worker"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_engine_cannot_reach_out_and_only_workers_reach_it(services: dict[str, Any]) -> None:
    networks = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["networks"]
    assert services["engine"]["networks"] == ["engine"]
    assert networks["engine"] == networks["data"] == {"internal": True}
    assert [name for name, one in services.items() if "engine" in one["networks"]] == ["engine", "worker"]
    assert "environment" not in services["engine"]
    assert "env_file" not in services["engine"]


def test_only_the_gateway_has_a_port_and_only_on_loopback(services: dict[str, Any]) -> None:
    ports = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert list(ports) == ["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in ports["gateway"])


def test_containers_cannot_change_themselves_or_gain_rights(services: dict[str, Any]) -> None:
    for name, one in services.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name


def test_nothing_of_ours_runs_as_root(services: dict[str, Any]) -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for target in ("app", "engine"):
        (stage,) = [one for one in stages if one.splitlines()[0].endswith(f" AS {target}")]
        assert re.search(r"^USER \d{4,}$", stage, flags=re.MULTILINE)
    assert {services[name]["build"]["target"] for name in OURS} == {"app", "engine"}
    assert services["postgres"]["user"] == "postgres"
    assert services["valkey"]["user"] == "valkey"


def test_no_secret_stands_in_the_files() -> None:
    written = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    assert not any(written[name] for name in SECRETS)
    assert not any(value for name, value in written.items() if "TOKEN" in name or "SECRET" in name)
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert all(f"${{{name}:?" in compose for name in NEEDED)


def test_nothing_secret_gets_into_an_image() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    assert kept[0] == "*"
    allowed = {line[1:] for line in kept if line.startswith("!")}
    assert allowed == {"pyproject.toml", "requirements.lock", "bot", "escalation", "flows", "nlu_data"}
    assert "bot/engine/.venv" in kept


def test_containers_are_built_with_the_installer_that_the_bootstrap_uses() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"\buv==([\d.]+)", dockerfile)) == {bootstrap.UV_VERSION}


def has_compose() -> bool:
    """Whether this machine's Docker knows compose."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


def config(folder: Path, environment: str) -> subprocess.CompletedProcess[str]:
    """`docker compose config` with this .env and nothing of our own environment."""
    shutil.copy(ROOT / "docker-compose.yml", folder)
    (folder / ".env").write_text(environment, encoding="utf-8")
    known = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME"}}
    return subprocess.run(
        ["docker", "compose", "config", "-q"], cwd=folder, env=known, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not has_compose(), reason="this machine has no docker compose")
def test_docker_accepts_the_file_once_everything_needed_is_set(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in NEEDED:
        example = example.replace(f"\n{name}=\n", f"\n{name}=x\n")
    done = config(tmp_path, example)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not has_compose(), reason="this machine has no docker compose")
@pytest.mark.parametrize("missing", NEEDED)
def test_docker_refuses_to_start_without_what_is_needed(missing: str, tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in NEEDED:
        example = example.replace(f"\n{name}=\n", f"\n{name}={'' if name == missing else 'x'}\n")
    done = config(tmp_path, example)
    assert done.returncode != 0
    assert missing in done.stderr
