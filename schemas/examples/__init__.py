"""Realistic events of every topic: one story of two commitments of a project on their way to accounting."""

from schemas.examples import answers, exports, mails, questions, references, upstream
from schemas.examples.example import Example

__all__ = ["EXAMPLES", "Example"]

EXAMPLES: tuple[Example, ...] = (
    *upstream.EXAMPLES,
    *answers.EXAMPLES,
    *questions.EXAMPLES,
    *exports.EXAMPLES,
    *references.EXAMPLES,
    *mails.EXAMPLES,
)
"""All examples; names are unique within a topic."""
