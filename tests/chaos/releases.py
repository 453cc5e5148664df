"""An earlier release of the product, taken out of the repository's history, so that it runs beside this one."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PREVIOUS = "d933f46"
"""The commit that updates begin from. Name the last release here whenever there is a new one."""


def previous_release(folder: Path) -> Path:
    """Write the packages of the previous release to `folder`, and return it."""
    archive = folder / "previous.tar"
    command = ["git", "-C", str(ROOT), "archive", "--output", str(archive), PREVIOUS, "schemas", "services"]
    archived = subprocess.run(command, check=False, capture_output=True, text=True)
    if archived.returncode != 0:
        pytest.fail(
            f"This checkout has no commit {PREVIOUS}, which the test updates from: {archived.stderr.strip()} "
            "Clone the whole history (git fetch --unshallow)."
        )
    subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True)
    archive.unlink()
    return folder
