"""`countersign demo --erp quickbooks`: the same story, with a QuickBooks whose Web Connector polls the exporter."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(400)

COMMAND = [sys.executable, "-m", "services.command", "demo", "--erp", "quickbooks", "--story"]


def test_the_story_passes_step_by_step_against_quickbooks() -> None:
    played = subprocess.run(COMMAND, check=False, capture_output=True, text=True, timeout=360)

    assert played.returncode == 0, played.stdout[-2000:] + played.stderr[-3000:]
    assert "SC-014 is SC-014 in the ERP, and nothing else" in played.stdout
    assert "It has no address: its ERP has no pages" in played.stdout
    assert "The ERP has exactly one document of SC-017" in played.stdout
    assert "steps were seen" in played.stdout
