"""The filters of a list as query parameters."""

from decimal import Decimal
from typing import Annotated

from fastapi import Query

from services.approval.storage.list_filter import ListFilter

_Names = Annotated[list[str] | None, Query(max_length=20)]
_Amount = Annotated[Decimal | None, Query(max_digits=21, decimal_places=6)]


def list_filter(
    search: Annotated[
        str,
        Query(
            max_length=200,
            description="Words, each of which is in the number, title, vendor, project, total, or the name of who "
            "sent or created it. Case and accents do not matter.",
        ),
    ] = "",
    project: Annotated[_Names, Query(description="The project's name; repeat it for any of several.")] = None,
    vendor: Annotated[_Names, Query(description="The vendor's name; repeat it for any of several.")] = None,
    waited_days: Annotated[
        int | None, Query(ge=0, le=36_500, description="For how many days at least it has had its status.")
    ] = None,
    min_total: Annotated[_Amount, Query(description="The least total, in any currency.")] = None,
    max_total: Annotated[_Amount, Query(description="The largest total, in any currency.")] = None,
    changed: Annotated[bool, Query(description="Only what was sent more than once.")] = False,  # noqa: FBT002 - a query parameter
) -> ListFilter:
    """Return the filter that a request names."""
    return ListFilter(
        search=search,
        projects=tuple(project or ()),
        vendors=tuple(vendor or ()),
        waited_days=waited_days,
        min_total=min_total,
        max_total=max_total,
        is_changed=changed,
    )
