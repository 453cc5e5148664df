"""What the sandbox adds to the people of `schemas.examples.cast`."""

from schemas.commitment import Person
from schemas.events import DirectoryPerson
from schemas.examples.cast import ANA, DANA, KIM, SAM

JOBS = {
    SAM.id: "Project manager",
    ANA.id: "Project engineer",
    DANA.id: "Accounting approver",
    KIM.id: "Viewer",
}
"""Job titles for the pages, by person id."""


def person(entry: DirectoryPerson) -> Person:
    """The person in a directory entry, as events refer to people."""
    return Person(id=entry.person_id, name=entry.name, email=entry.email)
