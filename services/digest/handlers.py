"""Every event that the digest handles, with the function that handles it, and what it publishes."""

from schemas.events import CommitmentStatus, DigestPreference, DigestReady, DirectoryPerson, DirectoryPersonRemoved
from services.digest.rules.event_handlers import person_removed, status_received
from services.digest.rules.items import Item
from services.pipeline.fold import Handlers, On
from services.pipeline.newest import Newest, keep_newest

ITEM_HANDLERS: Handlers[Newest[Item], None] = (On(CommitmentStatus, status_received),)

PERSON_HANDLERS: Handlers[Newest[DirectoryPerson], None] = (
    On(DirectoryPerson, keep_newest),
    On(DirectoryPersonRemoved, person_removed),
)

PREFERENCE_HANDLERS: Handlers[Newest[DigestPreference], None] = (On(DigestPreference, keep_newest),)

PUBLISHED = (DigestReady,)
