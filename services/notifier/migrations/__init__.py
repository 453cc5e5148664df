"""The versions of the notifier's schema."""

from pathlib import Path

from services.notifier.models import METADATA
from services.pipeline.migrations import History

MIGRATIONS = History(METADATA, Path(__file__).parent / "versions")
