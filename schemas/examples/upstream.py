"""What the project's tool and the company's directory tell: submissions, retrieves and people."""

from typing import Any

from schemas.commitment import Commitment, Person
from schemas.events import CommitmentResent, CommitmentRetrieved, CommitmentSent, DirectoryPerson
from schemas.examples.cast import (
    ANA,
    COMPANY,
    CONCRETE_1,
    CONCRETE_2,
    DANA,
    KIM,
    RIVERSIDE,
    SAM,
    STEEL_1,
    STEEL_2,
    STEEL_3,
    snapshot,
)
from schemas.examples.example import UPSTREAM, Example, about, told
from schemas.fields import ToolLevel


def _submitted(commitment: Commitment, revision: int) -> dict[str, Any]:
    return {
        "company_id": COMPANY,
        "project_id": RIVERSIDE.id,
        "commitment": snapshot(commitment),
        "revision": revision,
        "sent_by": SAM,
    }


def _person(person: Person, **rights: Any) -> DirectoryPerson:
    return DirectoryPerson(
        company_id=COMPANY,
        person_id=person.id,
        version=3,
        name=person.name,
        email=person.email,
        time_zone="America/Chicago",
        **rights,
    )


def _level(level: ToolLevel) -> dict[str, ToolLevel]:
    return {RIVERSIDE.id: level}


EXAMPLES: tuple[Example, ...] = (
    told(
        "approver",
        UPSTREAM,
        "2026-11-02T08:00:00Z",
        _person(
            DANA,
            erp_tool=ToolLevel.STANDARD,
            can_push_to_accounting=True,
            commitments_tool=_level(ToolLevel.READ_ONLY),
        ),
    ),
    told(
        "project-manager",
        UPSTREAM,
        "2026-11-02T08:00:01Z",
        _person(SAM, erp_tool=ToolLevel.READ_ONLY, commitments_tool=_level(ToolLevel.ADMIN)),
    ),
    told(
        "creator",
        UPSTREAM,
        "2026-11-02T08:00:02Z",
        _person(ANA, erp_tool=ToolLevel.NONE, commitments_tool=_level(ToolLevel.STANDARD)),
    ),
    told(
        "viewer",
        UPSTREAM,
        "2026-11-02T08:00:03Z",
        _person(KIM, erp_tool=ToolLevel.READ_ONLY, digest_subscribed=False),
    ),
    told(
        "concrete-works",
        UPSTREAM,
        "2026-11-16T15:02:00Z",
        CommitmentSent(**_submitted(CONCRETE_1, 1), note="Acme starts on site on November 30."),
    ),
    told(
        "structural-steel",
        UPSTREAM,
        "2026-11-16T18:40:00Z",
        CommitmentSent(**_submitted(STEEL_1, 1)),
    ),
    told(
        "cost-code-corrected",
        UPSTREAM,
        "2026-11-17T14:20:00Z",
        CommitmentResent(**_submitted(CONCRETE_2, 2), note="Moved to 03-310."),
    ),
    told(
        "more-beams",
        UPSTREAM,
        "2026-11-16T20:30:00Z",
        CommitmentResent(**_submitted(STEEL_2, 2), note="The engineer asked for 40.0 t of beams."),
    ),
    told(
        "shorter-title",
        UPSTREAM,
        "2026-11-18T16:05:00Z",
        CommitmentResent(**_submitted(STEEL_3, 3), note="The title is shorter now."),
    ),
    told(
        "taken-back",
        UPSTREAM,
        "2026-11-16T19:05:00Z",
        CommitmentRetrieved(**about(STEEL_1, 1), retrieved_by=SAM),
    ),
)
