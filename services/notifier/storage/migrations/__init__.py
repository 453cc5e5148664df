"""The migrations of the notifier's schema."""

from pathlib import Path

from services.notifier.storage.tables import METADATA
from services.pipeline.migrations import Migrations

MIGRATIONS = Migrations(METADATA, Path(__file__).parent / "versions")
