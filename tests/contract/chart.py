"""Renders the Helm chart with Helm itself, and finds things in what it renders."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "ops" / "kubernetes" / "countersign"
SETS = ("minimal", "full")
NEWEST = "1.37.0"
VERSIONS = ("1.27.0", "1.32.0", NEWEST)
"""The oldest Kubernetes that the chart takes, one between, and the newest of which we have the schemas."""
MISSING = (
    "helm is missing, which renders the chart. Install it with your system's packages, or with Go as "
    ".ci/install-packages does, and set HELM to its path."
)

Manifest = dict[str, Any]


def helm_in(environment: Mapping[str, str]) -> str:
    """The path of helm: HELM, or where PATH finds it."""
    found = shutil.which(environment.get("HELM", "helm"), path=environment.get("PATH", ""))
    if found is None:
        pytest.fail(MISSING)
    return found


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm, without a cluster."""
    command = [helm_in(os.environ), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def rendered(*arguments: str | Path, version: str = NEWEST) -> subprocess.CompletedProcess[str]:
    """What `helm template` answers for Kubernetes `version`."""
    return helm("template", "demo", CHART, "--namespace", "erp", "--kube-version", version, *arguments)


@cache
def text_of(values: str, version: str = NEWEST) -> str:
    """The chart rendered with ci/VALUES-values.yaml."""
    result = rendered("--values", CHART / "ci" / f"{values}-values.yaml", version=version)
    assert result.returncode == 0, result.stderr
    return result.stdout


def manifests(values: str, *changes: str, version: str = NEWEST) -> list[Manifest]:
    """The objects that are rendered with ci/VALUES-values.yaml, and with `changes`, as for --set."""
    text = text_of(values, version)
    if changes:
        sets = [each for change in changes for each in ("--set", change)]
        text = rendered("--values", CHART / "ci" / f"{values}-values.yaml", *sets, version=version).stdout
    return [each for each in yaml.safe_load_all(text) if each]


def of_kind(objects: list[Manifest], *kinds: str) -> Iterator[Manifest]:
    """The objects of `kinds`."""
    return (each for each in objects if each["kind"] in kinds)


def pods(objects: list[Manifest]) -> dict[str, Manifest]:
    """The templates of all Pods, by the command that each runs."""
    templates = (each["spec"]["template"] for each in of_kind(objects, "Deployment", "Job"))
    return {" ".join(each["spec"]["containers"][0]["args"]): each for each in templates}


def variables_of(pod: Manifest) -> dict[str, Manifest]:
    """The environment of a Pod's only container."""
    [container] = pod["spec"]["containers"]
    return {each["name"]: each for each in container["env"]}
