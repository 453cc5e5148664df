"""The versions of the notifier's schema."""

from pathlib import Path

from services.notifier.models import metadata
from services.pipeline.migrations import History

MIGRATIONS = History(metadata, Path(__file__).parent / "versions")
