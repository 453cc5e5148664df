"""Tells an open list what has changed since it was read: the counts of the views, and how many more have come."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from schemas.events import DirectoryPerson
from schemas.fields import Instant
from services.approval.storage import queries, tallies
from services.approval.web.dependencies import Dependencies
from services.approval.web.desk.addresses import MAX_TEXT, ListQuery
from services.approval.web.desk.wording import tally


class News(BaseModel):
    """What a list shows anew: the count of each view, and a link that says how many more there are."""

    counts: dict[str, str]
    words: str
    address: str


def news_router(dependencies: Dependencies) -> APIRouter:
    """Return the route of the news."""
    router = APIRouter(include_in_schema=False)
    Watcher = Annotated[DirectoryPerson, Depends(dependencies.identity.require_watcher)]  # noqa: N806 - a type

    @router.get("/news")
    async def news(
        who: Watcher,
        since: Instant,
        count: Annotated[int, Query(ge=0)],
        list_text: Annotated[str, Query(alias="list", max_length=MAX_TEXT)] = "",
    ) -> News:
        return await _news(dependencies, who, ListQuery.read(list_text), since, count)

    return router


async def _news(
    dependencies: Dependencies, who: DirectoryPerson, query: ListQuery, since: datetime, count: int
) -> News:
    """Return the news; what happened before `since`, but was read after it, counts as far as the list has grown.

    For a filtered list only the counts are told, since what is new in the view may not be in the list.
    """
    async with dependencies.database.begin() as db:
        counts = dict(await tallies.counts(db, who.company_id))
        newer = await queries.newer(db, who.company_id, query.view, since)
    newer = 0 if query.is_filtered else max(newer, counts.get(query.view, 0) - count)
    words = f"{newer:,} new, show" if newer else ""
    return News(counts={view.value: tally(count) for view, count in counts.items()}, words=words, address=query.address)
