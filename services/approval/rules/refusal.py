"""Why an ERP refused a revision, which is remembered for the next one."""

from schemas.values import value
from services.approval.rules.facts import Precedence


@value
class Refusal:
    """Why an ERP last refused a revision; it stays known after the revision was rejected."""

    revision: int
    reopened: int
    round: int
    message: str
    connection: str | None = None

    @property
    def precedence(self) -> Precedence:
        """The latest one is kept."""
        return (self.revision, self.reopened, self.round)
