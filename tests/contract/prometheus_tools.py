"""Finds the tools of Prometheus: promtool, and amtool of Alertmanager."""

import shutil
from collections.abc import Mapping

import pytest

PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}
BREWED = {"promtool": "prometheus", "amtool": "alertmanager"}


def tool_in(environment: Mapping[str, str], tool: str) -> str:
    """Return where `tool` is: on the path, or where the variable of its name says; without it, the test fails."""
    found = shutil.which(environment.get(tool.upper(), tool), path=environment.get("PATH", ""))
    if found is None:
        pytest.fail(
            f"{tool} is missing, which tests the alert rules. Install it (Debian: apt-get install {PACKAGES[tool]}, "
            f"macOS: brew install {BREWED[tool]}), or take {tool} alone as .ci/install-packages does, and set "
            f"{tool.upper()} to its path."
        )
    return found
