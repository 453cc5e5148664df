"""The people of the sandbox: those of `schemas.examples.cast`, with their jobs and their levels on every project."""

from sandbox.projects import PROJECTS
from schemas.commitment import Person
from schemas.events import DirectoryPerson
from schemas.examples.cast import ANA, DANA, DIRECTORY, KIM, SAM

JOBS = {
    SAM.id: "Project manager",
    ANA.id: "Project engineer",
    DANA.id: "Accounting approver",
    KIM.id: "Viewer",
}
"""Job titles for the pages, by person id."""


def _on_all_projects(entry: DirectoryPerson) -> DirectoryPerson:
    levels = {project.id: level for level in entry.commitments_tool.values() for project in PROJECTS}
    return entry.model_copy(update={"commitments_tool": levels})


PEOPLE = {person_id: _on_all_projects(entry) for person_id, entry in DIRECTORY.items()}
"""The directory of the sandbox: whoever has a level on one project has it on all."""


def person(entry: DirectoryPerson) -> Person:
    """The person in a directory entry, as events refer to people."""
    return Person(id=entry.person_id, name=entry.name, email=entry.email)
