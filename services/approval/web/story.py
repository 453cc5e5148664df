"""The story of a commitment for the desk and the API: approval's own part, and what the other services tell."""

import asyncio
from functools import partial
from typing import TypeVar

from schemas.story import DigestPart, ExporterPart, NotifierPart, Part
from services.approval.explaining import tell
from services.approval.rules.story.joining import for_people, join
from services.approval.rules.story.part import ApprovalPart
from services.approval.rules.story.story import MissingPart, Parts, Story
from services.approval.settings import ApprovalSettings
from services.approval.storage.queries import StoredCommitment
from services.approval.web.readers import Readers
from services.pipeline.apart import apart
from services.pipeline.asking import ask, new_client
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.errors import NotToldError
from services.pipeline.explaining import no_tails
from services.pipeline.made_apart import MadeApart

ANSWER_SECONDS = 1.0
"""Whoever opens the page waits as long for a service that does not answer."""
PartT = TypeVar("PartT", bound=Part)


class Stories:
    """Asks the other services, each for a short time; a part that does not come is said to be missing."""

    def __init__(self, settings: ApprovalSettings, database: Database, readers: Readers) -> None:
        self._settings = settings
        self._database = database
        self._readers = readers
        self._client = MadeApart(partial(new_client, ANSWER_SECONDS))

    async def of(self, stored: StoredCommitment) -> Story:
        """Return the story of a commitment as people may see it."""
        id_ = stored.facts.id
        own, exporter, notifier, digest = await asyncio.gather(
            self._own(stored),
            self._part("exporter", self._settings.exporter_url, id_, ExporterPart),
            self._part("notifier", self._settings.notifier_url, id_, NotifierPart),
            self._part("digest", self._settings.digest_url, id_, DigestPart),
        )
        parts = Parts(own, _unless_missing(exporter), _unless_missing(notifier), _unless_missing(digest))
        missing = [each for each in (exporter, notifier, digest) if isinstance(each, MissingPart)]
        return await apart(lambda: for_people(join(id_, parts, missing, utc_now())))

    async def close(self) -> None:
        """Close the connections to the other services."""
        if self._client.made is not None:
            await self._client.made.aclose()

    async def _own(self, stored: StoredCommitment) -> ApprovalPart:
        async with self._readers:  # it reads the contents, of which the checks are made
            return await tell(self._database, stored, no_tails)

    async def _part(self, service: str, url: str | None, id_: str, model: type[PartT]) -> PartT | MissingPart:
        token = self._settings.operations_token
        if url is None or token is None:
            why = f"{service.upper()}_URL or OPERATIONS_TOKEN is not set for approval"
            text = f"The {service} is not asked from here; its part is missing."
            return MissingPart(service=service, text=text, why=why)
        client = await self._client.get()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await ask(client, url, token, id_, model.model_validate_json)
        except (NotToldError, TimeoutError) as error:
            text = f"The {service} does not answer; its part is missing."
            return MissingPart(service=service, text=text, why=str(error) or "it does not answer in time")


def _unless_missing(part: PartT | MissingPart) -> PartT | None:
    return None if isinstance(part, MissingPart) else part
