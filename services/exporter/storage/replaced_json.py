"""The documents that no longer exist in the ERP, as JSON."""

from collections.abc import Sequence
from typing import Any

from schemas.commitment import ErpDocument
from services.exporter.rules.export import Replaced


def replaced_json(replaced: frozenset[Replaced]) -> list[Any] | None:
    """Return `replaced` as JSON, always in the same order; None if it is empty."""
    ordered = sorted(replaced, key=lambda each: (each.revision, each.document.id, each.document.model_dump_json()))
    return [[each.revision, each.document.model_dump(mode="json", exclude_none=True)] for each in ordered] or None


def replaced_in(stored: Sequence[Any] | None) -> frozenset[Replaced]:
    """Return what `replaced_json` made."""
    return frozenset(Replaced(revision, ErpDocument.model_validate(document)) for revision, document in stored or ())
