"""The versions of the exporter's schema."""

from pathlib import Path

from services.exporter.models import metadata
from services.pipeline.migrations import History

MIGRATIONS = History(metadata, Path(__file__).parent / "versions")
