"""A question about a revision that waits, and its answer."""

from schemas.commitment import summarise
from schemas.events import QuestionAnswered, QuestionAsked
from schemas.examples.cast import CONCRETE_2, CONNECTION, DANA, SAM
from schemas.examples.example import APPROVAL, Example, about, example

_QUESTION = "Does line 3 include the slabs of levels 8 to 12?"

EXAMPLES: tuple[Example, ...] = (
    example(
        "which-floors",
        APPROVAL,
        "2026-11-17T15:05:00Z",
        QuestionAsked(
            **about(CONCRETE_2, 2),
            number=1,
            question=_QUESTION,
            asked_by=DANA,
            answer_url="https://desk.example/q/WyJjb21wYW55LTIwNCJd.c2lnbmF0dXJl",
            summary=summarise(CONCRETE_2, SAM, CONNECTION),
        ),
    ),
    example(
        "all-of-them",
        APPROVAL,
        "2026-11-17T15:40:00Z",
        QuestionAnswered(
            **about(CONCRETE_2, 2),
            number=1,
            answer="Yes, all of them.",
            answered_by=SAM,
            question=_QUESTION,
            asked_by=DANA,
            summary=summarise(CONCRETE_2, SAM, CONNECTION),
        ),
    ),
)
