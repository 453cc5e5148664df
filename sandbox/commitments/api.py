"""The tool's API: `X-Person` says who acts; a forbidden action is 409 with the reason shown beside its button."""

from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse

from sandbox.commitments.actions import TrackedCommitment, actions_for
from sandbox.commitments.draft import Draft, DraftError
from sandbox.commitments.tool import CommitmentsTool, Rights
from sandbox.people import PEOPLE
from schemas.events import DirectoryPerson
from schemas.examples.cast import SAM
from schemas.fields import Note

PersonId = Annotated[str, Header(alias="X-Person")]
NoteIn = Annotated[Note | None, Body(embed=True)]


def add_api(app: FastAPI, tool: CommitmentsTool) -> None:
    """Add the API of `tool` to `app`."""
    _add_reading(app, tool)
    _add_writing(app, tool)
    _add_sending(app, tool)
    _add_directory(app, tool)


def find(tool: CommitmentsTool, commitment_id: str) -> TrackedCommitment:
    """The commitment with this id. Raises HTTPException 404 if there is none."""
    if commitment_id not in tool.tracked:
        raise HTTPException(404, f"There is no commitment {commitment_id}.")
    return tool.tracked[commitment_id]


def known_person(person_id: str) -> str:
    """Return `person_id`. Raises HTTPException 401 if nobody has it."""
    if person_id not in PEOPLE:
        raise HTTPException(401, "Nobody here has this id.")
    return person_id


def as_json(tracked: TrackedCommitment) -> dict[str, Any]:
    """A commitment as the API returns it: its content, what was sent, and its latest status."""
    return {
        "commitment": tracked.commitment,
        "sent_revision": tracked.sent_revision,
        "is_unconfirmed": tracked.is_unconfirmed,
        "status": tracked.status,
        "refused": tracked.refused if tracked.is_refused else None,
    }


def _add_reading(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.get("/api/commitments")
    async def index() -> dict[str, Any]:
        return {"commitments": [as_json(tracked) for tracked in tool.tracked.values()]}

    @app.get("/api/commitments/{commitment_id}")
    async def one(commitment_id: str, x_person: PersonId = SAM.id) -> dict[str, Any]:
        tracked, level = find(tool, commitment_id), tool.level(known_person(x_person))
        return as_json(tracked) | {"actions": actions_for(tracked, level)}


def _add_writing(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.exception_handler(DraftError)
    async def unusable(_request: Request, error: DraftError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.post("/api/commitments", status_code=201)
    async def create(draft: Draft, x_person: PersonId = SAM.id) -> dict[str, Any]:
        return as_json(tool.create(draft, known_person(x_person)))

    @app.put("/api/commitments/{commitment_id}")
    async def edit(commitment_id: str, draft: Draft, x_person: PersonId = SAM.id) -> dict[str, Any]:
        find(tool, commitment_id)
        return as_json(tool.edit(commitment_id, draft, known_person(x_person)))


def _add_sending(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.post("/api/commitments/{commitment_id}/send")
    async def send(commitment_id: str, note: NoteIn = None, x_person: PersonId = SAM.id) -> dict[str, Any]:
        find(tool, commitment_id)
        return as_json(await tool.send(commitment_id, known_person(x_person), note))

    @app.post("/api/commitments/{commitment_id}/resend")
    async def resend(commitment_id: str, note: NoteIn = None, x_person: PersonId = SAM.id) -> dict[str, Any]:
        find(tool, commitment_id)
        return as_json(await tool.resend(commitment_id, known_person(x_person), note))

    @app.post("/api/commitments/{commitment_id}/retrieve")
    async def retrieve(commitment_id: str, x_person: PersonId = SAM.id) -> dict[str, Any]:
        find(tool, commitment_id)
        return as_json(await tool.retrieve(commitment_id, known_person(x_person)))


def _add_directory(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.get("/api/people")
    async def people() -> dict[str, Any]:
        return {"people": list(tool.people.values())}

    @app.put("/api/people/{person_id}")
    async def change(person_id: str, rights: Rights) -> DirectoryPerson:
        return await tool.change_person(known_person(person_id), rights)
