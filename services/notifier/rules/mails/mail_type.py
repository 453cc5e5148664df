"""What makes up a type of mail: the event that causes it, its readers and its contents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, TypeVar

from schemas.commitment import Person
from schemas.events import CommitmentData, DigestReady, SubmissionRefused

MailData: TypeAlias = CommitmentData | SubmissionRefused | DigestReady
DataT = TypeVar("DataT", bound=MailData)

Contents = dict[str, Any]
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ContentOptions:
    """Where links to the desk begin, and how many rows a mail may list."""

    public_url: str
    max_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(Generic[DataT]):
    """How one message tells a person of several mails of one type; its templates are `several.txt.j2` and its twin.

    Nothing may depend on the order in which they are given.
    """

    occasion: Callable[[DataT], tuple[str, ...] | None]
    """What the mails have in common, besides company and recipient; None for a mail that always goes alone."""
    subject: Callable[[Sequence[DataT]], str]
    contents: Callable[[Sequence[DataT], ContentOptions], Contents]
    """The variables of the templates, besides `subject`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailType(Generic[DataT]):
    """A type of mail as pure functions of its event's data; its templates are in the folder named after `kind`."""

    kind: str
    """Names the mail in the database, in metrics and in `mail.settled`: lower-case letters and underscores."""
    data_type: type[DataT]
    recipients: Callable[[DataT], tuple[Person, ...]]
    """May name a person twice; each person gets one mail."""
    subject: Callable[[DataT], str]
    contents: Callable[[DataT, ContentOptions], Contents]
    """The variables of the templates, besides `subject`."""
    thread: Callable[[DataT], tuple[str, ...]]
    """Names the thread: mail readers group the mails that share it."""
    useful_for: timedelta
    """A mail that is still unsent after this time expires."""
    useful_from: Callable[[DataT], datetime] | None = None
    """From when `useful_for` counts; None counts from the time of the event."""
    several: Several[DataT] | None = None
    """How mails of one occasion go out as one message; None sends each alone."""
    reply_to: Callable[[DataT], Person | None] = lambda _data: None
    extra_headers: Callable[[DataT, str], Headers] = lambda _data, _domain: ()
    """Further header fields in ASCII, given the domain of the sender."""
