"""What the desk stands on; whoever puts approval together gives it an object that has these."""

from typing import Protocol

from services.approval.decisions import Decisions
from services.approval.identity import Identity
from services.approval.settings import ApprovalSettings
from services.pipeline.database import Database
from services.pipeline.outbox import Outbox


class Parts(Protocol):
    """The parts of approval that the desk's pages use."""

    @property
    def settings(self) -> ApprovalSettings:
        """What the environment says."""
        ...

    @property
    def database(self) -> Database:
        """Where commitments are read."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Where events of the desk's own go."""
        ...

    @property
    def decisions(self) -> Decisions:
        """What approvers may order."""
        ...

    @property
    def identity(self) -> Identity:
        """Who asks."""
        ...
