"""The versions of approval's schema."""

from pathlib import Path

from services.approval.storage.desk_tables import SESSION
from services.pipeline.migrations import Migrations

MIGRATIONS = Migrations(SESSION.metadata, Path(__file__).parent / "versions")
