"""List a million commitments: filter, sort, search, count and add them up"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from services.approval.storage.store import STATE, columns, search_text

revision = "0012"
down_revision = "0011"

CHUNK = 5_000
COLUMNS = ("searchable", "project", "vendor", "currency", "total", "revision")
TALLIED = ("company_id", "status", "kind", "name", "currency")
# columns, included columns, condition; a list that is filtered by the included ones is read in the index alone
INDEXES = {
    "commitment_by_status": ("status since id", "total currency revision", None),
    "commitment_by_total": ("status total since id", "currency revision", None),
    "commitment_by_project": ("project status since id", "total currency revision vendor", None),
    "commitment_by_vendor": ("vendor status since id", "total currency revision", None),
    "commitment_differing": ("since id", "total currency revision", "differs"),
    "commitment_differing_by_total": ("total since id", "currency revision", "differs"),
    "commitment_changed": ("status since id", "total currency revision", "revision > 1"),
}

# what one row counts for; a row of the table of changes that is negative takes it away again
PARTS = """
    select company_id, counted.status, part.kind, part.name, coalesce(currency, '') as currency,
        sum(times) as count, sum(times * coalesce(total, 0)) as total
    from ({rows}) changed
    cross join lateral (values (changed.status), (case when differs then 'differing' end)) as counted (status)
    cross join lateral (values
        ('all', ''), ('project', project), ('vendor', vendor), ('changed', case when changed.revision > 1 then '' end)
    ) as part (kind, name)
    where company_id is not null and changed.status is not null and counted.status is not null and part.name is not null
    group by 1, 2, 3, 4, 5 having sum(times) <> 0 or sum(times * coalesce(total, 0)) <> 0
"""
COUNTED = "select {times} as times, company_id, status, differs, project, vendor, revision, currency, total from {rows}"
ADDED, REMOVED = (COUNTED.format(times=times, rows=rows) for times, rows in ((1, "added"), (-1, "removed")))
TRIGGERS = {
    "insert": (ADDED, "new table as added"),
    "update": (f"{ADDED} union all {REMOVED}", "new table as added old table as removed"),
    "delete": (REMOVED, "old table as removed"),
}

TYPES = {"total": sa.Numeric, "revision": sa.Integer}
FILL = sa.text(
    "update approval.commitment set searchable = given.searchable, project = given.project, vendor = given.vendor, "
    "currency = given.currency, total = given.total, revision = given.revision "
    "from unnest(:id, :searchable, :project, :vendor, :currency, :total, :revision) "
    "as given (id, searchable, project, vendor, currency, total, revision) where commitment.id = given.id"
).bindparams(*(sa.bindparam(name, type_=ARRAY(TYPES.get(name, sa.Text))) for name in ("id", *COLUMNS)))
ADD_TEXTS = sa.text("""
    insert into approval.search_text (commitment_id, grams)
    select * from unnest(:commitment_id, :grams) on conflict do nothing
""").bindparams(*(sa.bindparam(name, type_=ARRAY(sa.Text)) for name in ("commitment_id", "grams")))


def upgrade() -> None:
    _add_columns()
    _create_tables()
    _fill()
    _create_indexes()
    _count()


def _add_columns() -> None:
    for column in (
        sa.Column("project", sa.Text()),
        sa.Column("vendor", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("total", sa.Numeric(), comment="what was submitted, in `currency`"),
        sa.Column("revision", sa.Integer()),
    ):
        op.add_column("commitment", column, schema="approval")
    comment = "number, title, names and total as searches compare them"
    op.alter_column("commitment", "searchable", comment=comment, schema="approval")
    # the order of all statuses is merged from those of each
    op.drop_index("commitment_by_since", "commitment", schema="approval")
    for name in ("commitment_by_status", "commitment_differing"):  # made anew, after all rows were written
        op.drop_index(name, "commitment", schema="approval")


def _create_tables() -> None:
    grams = sa.Column(
        "grams", sa.Text(), nullable=False, comment="the company, and all sequences of three characters, by blanks"
    )
    key = sa.Column("commitment_id", sa.Text(), primary_key=True)
    op.create_table("search_text", key, grams, schema="approval")
    # a vacuum brings what was inserted into the order of its index; until then each search reads it
    vacuumed = "autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 5000"
    op.execute(f"alter table approval.search_text set ({vacuumed})")
    comments = (
        "of which company",
        "a status, or `differing` for those that also differ",
        "what `name` is: all, project, vendor, or changed for later revisions than the first",
        "of the project or vendor, otherwise empty",
        "of the total",
    )
    op.create_table(
        "tally",
        *(
            sa.Column(name, sa.Text(), primary_key=True, comment=comment)
            for name, comment in zip(TALLIED, comments, strict=True)
        ),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        schema="approval",
    )
    op.create_table(
        "tally_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TALLIED),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        schema="approval",
    )
    # rows stay for seconds only, and what was deleted is in the way of whoever reads the others
    settings = (
        "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0"
    )
    op.execute(f"alter table approval.tally_change set ({settings})")
    op.create_index(
        "tally_by_kind",
        "tally",
        ["company_id", "kind", "status", "name", "currency"],
        schema="approval",
        postgresql_include=["count", "total"],
    )
    op.create_index("tally_change_by_company", "tally_change", ["company_id"], schema="approval")


def _fill() -> None:
    """Fill the new columns of all rows, in the way in which they are filled from now on."""
    db, last = op.get_bind(), ""
    chosen = sa.text("select id, state from approval.commitment where id > :last order by id limit :rows")
    while rows := db.execute(chosen, {"last": last, "rows": CHUNK}).all():
        known = [STATE.validate_json(row.state) for row in rows]
        db.execute(FILL, _given([columns(facts) for facts in known], ("id", *COLUMNS)))
        if texts := [each for each in map(search_text, known) if each]:
            db.execute(ADD_TEXTS, _given(texts, ("commitment_id", "grams")))
        last = rows[-1].id


def _given(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def _create_indexes() -> None:
    for name, (keys, included, where) in INDEXES.items():
        op.create_index(
            name,
            "commitment",
            ["company_id", *keys.split()],
            schema="approval",
            postgresql_include=included.split(),
            postgresql_where=None if where is None else sa.text(where),
        )
    op.execute("create index search_text_by_gram on approval.search_text using gin (string_to_array(grams, ' '))")


def _count() -> None:
    """Count what there is, and from now on what changes."""
    rows = COUNTED.format(times=1, rows="approval.commitment")
    op.execute(f"insert into approval.tally ({', '.join(TALLIED)}, count, total) {PARTS.format(rows=rows)}")
    for event, (counted, tables) in TRIGGERS.items():
        op.execute(f"""
            create function approval.tally_{event}() returns trigger language plpgsql as $$
            begin
                insert into approval.tally_change ({", ".join(TALLIED)}, count, total) {PARTS.format(rows=counted)};
                return null;
            end $$
        """)
        op.execute(f"""
            create trigger tally_{event} after {event} on approval.commitment referencing {tables}
            for each statement execute function approval.tally_{event}()
        """)
