"""The id of a commitment in the address of a page."""

from typing import Annotated

from fastapi import Path

from schemas.fields import ID_PATTERN
from schemas.limits import MAX_ID_CHARACTERS
from services.pipeline.segments import Segment

CommitmentId = Annotated[Segment, Path(pattern=ID_PATTERN, max_length=MAX_ID_CHARACTERS)]
