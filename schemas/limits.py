"""The limits that every event keeps, in one place, so that producers and readers agree on them."""

MAX_SUBMISSION_BYTES = 1_048_576
"""Largest `commitment.sent` or `commitment.resent`, so that `decision.accepted` fits a 2 MiB topic."""

MAX_MESSAGE_BYTES = 2_097_152
"""Largest message on any of our topics."""

MAX_DEPTH = 64
"""How deeply a message may be nested; readers that recurse give up at a few hundred levels."""

MAX_LINES = 2_000
MAX_ID_CHARACTERS = 128
MAX_NAME_CHARACTERS = 255
MAX_TITLE_CHARACTERS = 500
MAX_TEXT_CHARACTERS = 20_000
MAX_EXCERPT_CHARACTERS = 500
"""Of a text that is shown shortened; longer ones are cut, so that lists of them fit a message."""

MAX_REASON_CHARACTERS = 4_000
MAX_NOTE_CHARACTERS = 4_000
MAX_QUESTION_CHARACTERS = 2_000
MAX_URL_CHARACTERS = 2_000
MAX_EMAIL_CHARACTERS = 254
MAX_DIGEST_ROWS = 100
MAX_CHANGES = 100
MAX_UNLINKED_DOCUMENTS = 100
MAX_MAPPED_NAMES = 2_000
MAX_MAPPED_BYTES = 262_144
"""Of all mapped names of a connection: it is told again with every change of the connection."""

MAX_REVISION = 1_000_000
MAX_ROUND = 1_000_000
MAX_VERSION = 2**53 - 1
MAX_COUNT = 2**31 - 1
"""Of anything that is counted: what an integer of the database takes, and every reader of JSON."""
