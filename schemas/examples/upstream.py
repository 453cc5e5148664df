"""Events that the project's tool and the company's directory publish: people, submissions and retrieves."""

from schemas.events import CommitmentResent, CommitmentRetrieved, CommitmentSent
from schemas.examples.cast import (
    ANA,
    CONCRETE_1,
    CONCRETE_2,
    DANA,
    DIRECTORY,
    KIM,
    SAM,
    STEEL_1,
    STEEL_2,
    STEEL_3,
)
from schemas.examples.example import UPSTREAM, Example, about, example, submitted

EXAMPLES: tuple[Example, ...] = (
    example("approver", UPSTREAM, "2026-11-02T08:00:00Z", DIRECTORY[DANA.id]),
    example("project-manager", UPSTREAM, "2026-11-02T08:00:01Z", DIRECTORY[SAM.id]),
    example("creator", UPSTREAM, "2026-11-02T08:00:02Z", DIRECTORY[ANA.id]),
    example("viewer", UPSTREAM, "2026-11-02T08:00:03Z", DIRECTORY[KIM.id]),
    example(
        "concrete-works",
        UPSTREAM,
        "2026-11-16T15:02:00Z",
        CommitmentSent(**submitted(CONCRETE_1, 1), note="Acme starts on site on November 30."),
    ),
    example(
        "structural-steel",
        UPSTREAM,
        "2026-11-16T18:40:00Z",
        CommitmentSent(**submitted(STEEL_1, 1)),
    ),
    example(
        "cost-code-corrected",
        UPSTREAM,
        "2026-11-17T14:20:00Z",
        CommitmentResent(**submitted(CONCRETE_2, 2), note="Moved to 03-310."),
    ),
    example(
        "more-beams",
        UPSTREAM,
        "2026-11-16T20:30:00Z",
        CommitmentResent(**submitted(STEEL_2, 2), note="The engineer asked for 40.0 t of beams."),
    ),
    example(
        "shorter-title",
        UPSTREAM,
        "2026-11-18T16:05:00Z",
        CommitmentResent(**submitted(STEEL_3, 3), note="The title is shorter now."),
    ),
    example(
        "taken-back",
        UPSTREAM,
        "2026-11-16T19:05:00Z",
        CommitmentRetrieved(**about(STEEL_1, 1), retrieved_by=SAM),
    ),
)
