"""The interface of a pull connector: its ERP cannot be called, but a client beside it asks for work and brings answers.

The connector turns each thing to ask or to write into a request text, and reads the text of the answer. Conversations
with the client, their tickets and what waits for an answer are rows, so a connector keeps nothing between two texts.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol, Self, runtime_checkable

from pydantic import Field, model_validator

from schemas.events import MappedNames
from schemas.fields import Name
from services.exporter.connectors.protocol import MAX_SECONDS, ConnectionSettings, Connector, Seconds
from services.exporter.connectors.types import Refused, Transient


class PullSettings(ConnectionSettings):
    """What every pull connection has; its token is the hash of the password with which the client signs in."""

    user: Name = Field(description="The user name with which the ERP's client signs in; each connection has its own.")
    poll_minutes: Annotated[int, Field(ge=1, le=1_440)] = Field(
        default=5, description="How often the client is to ask for work."
    )
    lists_hours: Annotated[int, Field(ge=1, le=720)] = Field(
        default=1, description="After how many hours the lists of vendors, items and jobs are read again."
    )
    timeout_seconds: Seconds = Field(
        default=300.0, description="How long the client may take for one request before its conversation is over."
    )
    settle_seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] = Field(
        default=10.0,
        description="For how long a client that does not answer may still pass a write on, once another one asks.",
    )
    first_probe_seconds: Seconds = Field(
        default=300.0, description="When people are told to expect the first probe; it comes with the next poll."
    )
    max_in_flight: Annotated[int, Field(ge=1, le=1)] = Field(default=1, description="Always 1: one request at a time.")
    max_missed_calls: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=1, description="Conversations in a row without access to the ERP after which people are told."
    )
    compares_documents: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Always false: documents of this ERP are not compared."
    )

    @property
    def mapped(self) -> MappedNames | None:
        """The names that the connector replaces before it asks for them; None if it replaces none."""
        return None

    @model_validator(mode="after")
    def _waits_long_enough(self) -> Self:
        """Nothing to check: see `settle_seconds`."""
        return self

    @model_validator(mode="after")
    def _compares_nothing(self) -> Self:
        if self.compares_documents:
            raise ValueError("compares_documents must be false: this ERP is asked only when its client asks for work")
        return self


@dataclass(frozen=True, slots=True)
class Question:
    """A text that the client is to pass on to the ERP.

    A write has the `message_set_id` by which the ERP can be asked later what became of it; a question has none.
    """

    text: str
    message_set_id: str | None = None

    @property
    def is_write(self) -> bool:
        """Whether it may change something in the ERP."""
        return self.message_set_id is not None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client brought back: the ERP's text, or the code and words of why it could not pass a text on."""

    text: str
    hresult: str = ""
    message: str = ""

    @property
    def known_hresult(self) -> str | None:
        """The code; None where the client sends something else in its place."""
        return self.hresult if re.fullmatch("0x[0-9A-Fa-f]{1,8}", self.hresult) else None


Ask = Callable[[Question], Awaitable[Reply]]
"""Passes a question on, and returns what the client brings back; nothing is raised."""


@dataclass(frozen=True, slots=True)
class LostWrite:
    """The last write of a commitment whose answer never came."""

    message_set_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a pull connector has to know for one attempt, besides the request.

    `numbers` are those under which documents of the commitment may be in the ERP, and `document_ids` the ids of those
    that are known. A write carries `message_set_id`, at most 23 characters.
    """

    message_set_id: str
    numbers: tuple[str, ...] = ()
    document_ids: tuple[str, ...] = ()
    lost: LostWrite | None = None


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A vendor, an item or a job of the ERP, by its own id and the full name that people read."""

    id: str
    name: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class ListPage:
    """A part of a list; `next_page` is where the next one begins, None after the last; `remaining` entries follow."""

    entries: tuple[ListEntry, ...]
    next_page: str | None = None
    remaining: int = 0


@runtime_checkable
class PullConnector(Protocol):
    """Speaks the language of one ERP whose client asks for work."""

    def speaking(self, ask: Ask, occasion: Occasion) -> Connector:
        """Return a connector that asks with `ask`, one question after the other; it awaits nothing else.

        Given the same replies it asks the same questions: an attempt is carried on in another process by asking again.
        """
        ...

    def unreached(self, reply: Reply) -> str | None:
        """Say in words for people why the client cannot reach the ERP, from `hresult` and `message`; None if it can.

        An ERP that refuses one text is reached: the next one may be fine.
        """
        ...

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists to read, in this order; of `vendor`, `item` and `job`."""
        ...

    def list_question(self, name: str, page: str | None) -> Question:
        """Return the question for a part of the list: the first one if `page` is None."""
        ...

    def list_page(self, name: str, reply: Reply) -> ListPage | Refused | Transient:
        """Read the reply to `list_question`."""
        ...

    async def close(self) -> None:
        """Close nothing; for the connector of a connection has this method."""
        ...
