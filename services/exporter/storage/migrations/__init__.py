"""The versions of the exporter's schema."""

from pathlib import Path

from services.exporter.storage.tables import METADATA
from services.pipeline.migrations import Migrations

MIGRATIONS = Migrations(METADATA, Path(__file__).parent / "versions")
