"""The tool's API: `X-Person` says who acts; what the rules forbid is 409 with the reason that the button shows."""

from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse

from sandbox.commitments import rules
from sandbox.commitments.draft import Draft, DraftError
from sandbox.commitments.rules import Tracked
from sandbox.commitments.tool import CommitmentsTool, Rights
from schemas.events import DirectoryPerson
from schemas.examples.cast import DIRECTORY, SAM
from schemas.fields import Note

PersonId = Annotated[str, Header(alias="X-Person")]
NoteIn = Annotated[Note | None, Body(embed=True)]


def add_api(app: FastAPI, tool: CommitmentsTool) -> None:
    """Adds the API over `tool` to `app`."""
    _add_reading(app, tool)
    _add_writing(app, tool)
    _add_sending(app, tool)
    _add_directory(app, tool)


def found(tool: CommitmentsTool, commitment_id: str) -> Tracked:
    """The commitment; 404 where there is none."""
    if commitment_id not in tool.tracked:
        raise HTTPException(404, f"There is no commitment {commitment_id}.")
    return tool.tracked[commitment_id]


def acting(person_id: str) -> str:
    """The id of somebody who is known; 401 where nobody has it."""
    if person_id not in DIRECTORY:
        raise HTTPException(401, "Nobody here has this id.")
    return person_id


def shown(tracked: Tracked) -> dict[str, Any]:
    """A commitment as the API gives it: its content, what was sent, and the newest status."""
    return {
        "commitment": tracked.commitment,
        "sent_revision": tracked.sent_revision,
        "is_unconfirmed": tracked.is_unconfirmed,
        "status": tracked.status,
    }


def _add_reading(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.get("/api/commitments")
    async def index() -> dict[str, Any]:
        return {"commitments": [shown(tracked) for tracked in tool.tracked.values()]}

    @app.get("/api/commitments/{commitment_id}")
    async def one(commitment_id: str, x_person: PersonId = SAM.id) -> dict[str, Any]:
        tracked, level = found(tool, commitment_id), tool.level(acting(x_person))
        return shown(tracked) | {"actions": rules.actions(tracked, level)}


def _add_writing(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.exception_handler(DraftError)
    async def unusable(_request: Request, error: DraftError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.post("/api/commitments", status_code=201)
    async def create(draft: Draft, x_person: PersonId = SAM.id) -> dict[str, Any]:
        return shown(tool.create(draft, acting(x_person)))

    @app.put("/api/commitments/{commitment_id}")
    async def edit(commitment_id: str, draft: Draft, x_person: PersonId = SAM.id) -> dict[str, Any]:
        found(tool, commitment_id)
        return shown(tool.edit(commitment_id, draft, acting(x_person)))


def _add_sending(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.post("/api/commitments/{commitment_id}/send")
    async def send(commitment_id: str, note: NoteIn = None, x_person: PersonId = SAM.id) -> dict[str, Any]:
        found(tool, commitment_id)
        return shown(await tool.send(commitment_id, acting(x_person), note))

    @app.post("/api/commitments/{commitment_id}/resend")
    async def resend(commitment_id: str, note: NoteIn = None, x_person: PersonId = SAM.id) -> dict[str, Any]:
        found(tool, commitment_id)
        return shown(await tool.resend(commitment_id, acting(x_person), note))

    @app.post("/api/commitments/{commitment_id}/retrieve")
    async def retrieve(commitment_id: str, x_person: PersonId = SAM.id) -> dict[str, Any]:
        found(tool, commitment_id)
        return shown(await tool.retrieve(commitment_id, acting(x_person)))


def _add_directory(app: FastAPI, tool: CommitmentsTool) -> None:
    @app.get("/api/people")
    async def people() -> dict[str, Any]:
        return {"people": list(tool.people.values())}

    @app.put("/api/people/{person_id}")
    async def change(person_id: str, rights: Rights) -> DirectoryPerson:
        return await tool.change_person(acting(person_id), rights)
