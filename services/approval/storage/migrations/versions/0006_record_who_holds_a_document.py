"""Record who holds a document"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# in chunks, since each statement may take 30 s only
CHUNK = sa.text("""
    with chunk as (select id, company_id, state from approval.commitment where id > :after order by id limit 20000),
    held as (
        select id, company_id, jsonb_array_elements(state::jsonb -> 'documents') -> 'document' as document
        from chunk where state like '%"documents":[{%'
        union all
        select id, company_id, state::jsonb -> 'ruling' -> 'settled_as' from chunk where state like '%"settled_as":{%'
    ),
    named as (
        select *, regexp_split_to_array(btrim(document ->> 'number', E' \\t\\r\\n'), '\\s+') as words
        from held where jsonb_typeof(document) = 'object'
    ),
    added as (
        insert into approval.document (connection, kind, name, commitment_id, company_id)
        select document ->> 'connection', kind, name, id, company_id
        from named, lateral (values
            ('id', document ->> 'id'),
            ('number', coalesce(nullif(left(array_to_string(words, '-'), 128), ''), document ->> 'id'))
        ) as names (kind, name)
        on conflict do nothing
    )
    select max(id) from chunk
""")


def upgrade() -> None:
    op.create_table(
        "document",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="id or number"),
        sa.Column("name", sa.Text(), nullable=False, comment="the document's id or number in the ERP"),
        sa.Column("commitment_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "kind", "name", "commitment_id"),
        schema="approval",
    )
    op.create_index("document_by_commitment", "document", ["commitment_id"], unique=False, schema="approval")
    _add_documents_of_known_commitments()


def _add_documents_of_known_commitments() -> None:
    last: str | None = ""
    while last is not None:
        last = op.get_bind().execute(CHUNK, {"after": last}).scalar_one()
