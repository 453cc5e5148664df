"""The versions of the digest's schema."""

from pathlib import Path

from services.digest.models import METADATA
from services.pipeline.migrations import History

MIGRATIONS = History(METADATA, Path(__file__).parent / "versions")
