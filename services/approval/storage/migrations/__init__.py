"""The versions of approval's schema."""

from pathlib import Path

from services.approval.storage.tables import METADATA
from services.pipeline.migrations import Migrations

MIGRATIONS = Migrations(METADATA, Path(__file__).parent / "versions")
