"""Builds the revisions that the tests write to Tryton."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from schemas.snapshot import Snapshot
from services.exporter.connectors.types import Landed, WriteRequest
from tests.unit.exporter.builders import commitment_json

A_HASH = "ab" * 32


def line(position: int = 1, **members: Any) -> dict[str, Any]:
    """Return a line of 102.5 m³ of concrete."""
    return {
        "position": position,
        "cost_code": "03-300",
        "cost_type": "S",
        "description": "Slab",
        "quantity": "102.5",
        "unit": "m3",
        "unit_cost": "797.10",
        "amount": "81702.75",
        **members,
    }


def a_request(*lines: dict[str, Any], revision: int = 1, reference: str | None = None, **members: Any) -> WriteRequest:
    """Return a revision of a new commitment for Acme Concrete, or of the one with `reference`."""
    reference = reference or f"c-{uuid4().hex[:12]}"
    content = commitment_json(reference) | {
        "vendor": {"id": "v-17", "name": "Acme Concrete", "erp_code": "ACME"},
        "lines": [*(lines or (line(),))],
        **members,
    }
    commitment = Snapshot.of(content).commitment
    return WriteRequest(reference, f"{reference}/{revision}/{A_HASH}", "co-1", revision, commitment, note="As agreed.")


def next_revision(request: WriteRequest, *lines: dict[str, Any], **members: Any) -> WriteRequest:
    """Return the revision after `request`."""
    following = a_request(*lines, revision=request.revision + 1, reference=request.reference, **members)
    return replace(following, note=request.note)


def id_in(answer: object) -> str:
    """Return the id of the one document that has landed."""
    assert isinstance(answer, Landed), answer
    (document,) = answer.documents
    return document.id
