"""The digest's migrations."""

from pathlib import Path

from services.digest.storage.tables import METADATA
from services.pipeline.migrations import Migrations

MIGRATIONS = Migrations(METADATA, Path(__file__).parent / "versions")
