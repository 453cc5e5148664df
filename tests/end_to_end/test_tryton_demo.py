"""`countersign demo --erp tryton`: the same story, with a real Tryton as the ERP."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(600)

COMMAND = [sys.executable, "-m", "services.command", "demo", "--erp", "tryton", "--story"]


def test_the_story_passes_step_by_step_against_a_real_tryton() -> None:
    """The first run on a machine builds Tryton's database, which takes a minute or two."""
    played = subprocess.run(COMMAND, check=False, capture_output=True, text=True, timeout=560)

    assert played.returncode == 0, played.stdout[-2000:] + played.stderr[-3000:]
    assert "SC-014 is document 1 in the ERP, and nothing else" in played.stdout
    assert "The ERP has exactly one document of SC-017" in played.stdout
    assert "steps were seen" in played.stdout
