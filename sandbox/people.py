"""The people of the sandbox: those of `schemas.examples.cast` and a second approver, with their jobs and levels."""

from sandbox.projects import PROJECTS
from schemas.commitment import Person
from schemas.events import DirectoryPerson
from schemas.examples.cast import ANA, DANA, DIRECTORY, KIM, RIVERSIDE, SAM
from schemas.fields import ToolLevel

LEE = Person(id="person-6", name="Lee Park", email="lee.park@harbor-builders.example")
"""Lee approves beside Dana, and may create commitments, which Lee should then not accept."""

JOBS = {
    SAM.id: "Project manager",
    ANA.id: "Project engineer",
    DANA.id: "Accounting approver",
    KIM.id: "Viewer",
    LEE.id: "Second accounting approver",
}
"""Job titles for the pages, by person id."""

_LEES_RIGHTS = DIRECTORY[DANA.id].model_copy(
    update={
        "person_id": LEE.id,
        "name": LEE.name,
        "email": LEE.email,
        "commitments_tool": {RIVERSIDE.id: ToolLevel.STANDARD},
    }
)


def _on_all_projects(entry: DirectoryPerson) -> DirectoryPerson:
    levels = {project.id: level for level in entry.commitments_tool.values() for project in PROJECTS}
    return entry.model_copy(update={"commitments_tool": levels})


PEOPLE = {entry.person_id: _on_all_projects(entry) for entry in (*DIRECTORY.values(), _LEES_RIGHTS)}
"""The directory of the sandbox: whoever has a level on one project has it on all."""


def person(entry: DirectoryPerson) -> Person:
    """The person in a directory entry, as events refer to people."""
    return Person(id=entry.person_id, name=entry.name, email=entry.email)
