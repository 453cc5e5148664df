"""The versions of the exporter's schema."""

from pathlib import Path

from services.exporter.models import METADATA
from services.pipeline.migrations import History

MIGRATIONS = History(METADATA, Path(__file__).parent / "versions")
