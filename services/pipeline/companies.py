"""Lists the companies that a large table has rows of, without reading all of its rows."""

from sqlalchemy import CTE, Column, func, select


def companies_in(company_id: Column[str]) -> CTE:
    """Return every value of `company_id`, and at last null, as `id`.

    Each is one step in an index that begins with the column.
    """
    found = select(func.min(company_id).label("id")).cte("company", recursive=True)
    following = select(func.min(company_id)).where(company_id > found.c.id).scalar_subquery()
    return found.union_all(select(following).where(found.c.id.is_not(None)))
