"""Real-looking events of every topic: one story of two commitments of one project on their way to accounting."""

from schemas.examples import answers, exports, mails, upstream
from schemas.examples.example import Example

__all__ = ["EXAMPLES", "Example"]

EXAMPLES: tuple[Example, ...] = (*upstream.EXAMPLES, *answers.EXAMPLES, *exports.EXAMPLES, *mails.EXAMPLES)
"""All examples; within a topic each name occurs once."""
