"""The versions of approval's schema."""

from pathlib import Path

from services.approval.models import METADATA
from services.pipeline.migrations import History

MIGRATIONS = History(METADATA, Path(__file__).parent / "versions")
