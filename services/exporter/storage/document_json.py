"""The documents that approvers unlinked or gave as evidence, as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.commitment import ErpDocument
from services.exporter.rules.approvers_words import Evidence, Replaced


def replaced_json(replaced: frozenset[Replaced]) -> str | None:
    """Return `replaced` as JSON, always in the same order; None if it is empty."""
    ordered = sorted(
        replaced,
        key=lambda each: (
            each.revision,
            each.reopened,
            each.document.id,
            each.document.model_dump_json(),
            each.is_left,
        ),
    )
    return _text([[each.revision, _plain(each.document), each.reopened, each.is_left] for each in ordered])


def replaced_in(stored: Sequence[Any] | None) -> frozenset[Replaced]:
    """Return what `replaced_json` made; earlier releases wrote the first two or three members only."""
    return frozenset(
        Replaced(revision, ErpDocument.model_validate(document), *more) for revision, document, *more in stored or ()
    )


def resolved_json(resolved: Mapping[int, Evidence]) -> str | None:
    """Return `resolved` as JSON, by revision; None if it is empty."""
    return _text(
        {
            revision: {
                "document": _plain(each.document),
                "number": each.number,
                "reopened": each.reopened,
                "is_confirmed": each.is_confirmed,
                "is_withdrawn": each.is_withdrawn,
                "round": each.round,
            }
            for revision, each in resolved.items()
        }
    )


def resolved_in(stored: Mapping[str, Any] | None) -> Mapping[int, Evidence]:
    """Return what `resolved_json` made; earlier releases wrote the documents alone, or without who confirmed them."""
    return {int(revision): _evidence(each) for revision, each in (stored or {}).items()}


def _evidence(stored: Mapping[str, Any]) -> Evidence:
    if "document" not in stored:
        return Evidence(ErpDocument.model_validate(stored))
    return Evidence(
        ErpDocument.model_validate(stored["document"]),
        stored["number"],
        stored["reopened"],
        stored.get("is_confirmed", False),
        stored.get("is_withdrawn", False),
        stored.get("round", 0),
    )


def _plain(document: ErpDocument) -> dict[str, Any]:
    return document.model_dump(mode="json", exclude_none=True)


def _text(members: Sequence[Any] | Mapping[int, Any]) -> str | None:
    return json.dumps(members) if members else None
