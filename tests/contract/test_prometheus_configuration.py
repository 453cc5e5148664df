"""Prometheus takes its configuration, with all rules; Prometheus' own promtool says so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "ops" / "prometheus"
PROMTOOL = os.environ.get("PROMTOOL", "promtool")


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [PROMTOOL, "check", "config", folder / "prometheus.yml"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.promtool
def test_prometheus_takes_its_configuration_and_finds_every_file_of_rules() -> None:
    result = checked(FOLDER)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [path.name for path in sorted(FOLDER.glob("*.rules.yml")) if path.name not in result.stdout] == []


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("prometheus.yml", "scrape_interval: 15s", "scrape_interval: often", "not a valid duration string"),
        ("prometheus.yml", "static_configs", "statical_configs", "statical_configs"),
        ("erp_poller.rules.yml", "expr: |", "expression: |", "field expression not found"),
        ("erp_poller.rules.yml", "max by (connection)", "max by (", "could not parse expression"),
    ],
)
def test_a_mistake_is_found(name: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    path = tmp_path / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))

    result = checked(tmp_path)

    assert result.returncode != 0
    assert said in result.stdout + result.stderr
