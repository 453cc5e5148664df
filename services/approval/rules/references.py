"""Checks the names of a commitment against the lists of its ERP: what is missing, inactive, or not known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.commitment import Commitment
from schemas.erp_names import item_name, job_name, vendor_name
from schemas.events import ITEM, JOB, VENDOR, ErpConnection, ErpList, MappedNames
from services.approval.rules.finding import Finding
from services.pipeline.formats import enumeration

UNKNOWN = "lists of the ERP"
"""The rule of the finding that something is not known of the ERP's lists."""

RULES = {VENDOR: "vendor in the ERP", ITEM: "items in the ERP", JOB: "job in the ERP"}
"""The rule for each list that is checked."""

_MOST_NAMED = 5
_ENTRIES = {VENDOR: "vendor", ITEM: "item", JOB: "job"}


@dataclass(frozen=True, slots=True)
class EntryName:
    """A name in a list of a connection, in lower case, as ERPs compare names and ids."""

    connection: str
    list_name: str
    text: str


Known = Mapping[EntryName, bool]
"""Those names that an ERP has, each with whether an entry of that name is active."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an ERP will be asked for: `name`, for what the commitment calls `meant`."""

    list_name: str
    name: str
    meant: str

    def entry(self, erp: ErpConnection) -> EntryName:
        """What is looked up in the lists of `erp`."""
        return EntryName(erp.name, self.list_name, self.name.lower())

    @property
    def words(self) -> str:
        """The name, and what it stands for if that is another one."""
        return self.name if self.name == self.meant else f"{self.name} (for {self.meant})"


def checked_lists(erp: ErpConnection | None) -> tuple[ErpList, ...]:
    """The lists of `erp` against which commitments are checked."""
    return tuple(each for each in erp.lists if each.name in RULES) if erp else ()


def is_known(erp: ErpConnection, found: ErpList) -> bool:
    """Whether it is known what the list lacks: it was read to its end, and the names to look for are known."""
    return found.read_at is not None and (erp.mapped is None or erp.mapped.is_complete)


def asked(content: Commitment, erp: ErpConnection | None) -> tuple[Asked, ...]:
    """The names that `erp` will be asked for, each once; only those that it has a list for."""
    listed, names = {each.name for each in checked_lists(erp)}, (erp and erp.mapped) or MappedNames()
    job, project = job_name(content.project, names), content.project
    wanted = [Asked(VENDOR, vendor_name(content.vendor, names), content.vendor.name)]
    items = ((item_name(line.cost_code, names), line) for line in content.lines)
    wanted += [Asked(ITEM, item, line.cost_code or f"line {line.position}") for item, line in items if item]
    if job:
        wanted.append(Asked(JOB, job, project.erp_job_code or project.number or project.name))
    first: dict[tuple[str, str], Asked] = {}
    for each in wanted:
        if each.list_name in listed:
            first.setdefault((each.list_name, each.name.lower()), each)
    return tuple(first.values())


def entries_to_look_up(content: Commitment, erp: ErpConnection | None) -> frozenset[EntryName]:
    """What has to be known for `reference_findings`."""
    if erp is None:
        return frozenset()
    known = {each.name for each in checked_lists(erp) if is_known(erp, each)}
    return frozenset(each.entry(erp) for each in asked(content, erp) if each.list_name in known)


def reference_findings(content: Commitment, erp: ErpConnection | None, known: Known) -> Iterator[Finding]:
    """What `erp` does not have of what it will be asked for, none of which prevents acceptance."""
    if erp is None:
        return
    wanted, unknown = asked(content, erp), []
    for each in checked_lists(erp):
        of_list = [name for name in wanted if name.list_name == each.name]
        if not of_list:
            continue
        if not is_known(erp, each):
            unknown.append(each.name)
            continue
        missing = [name for name in of_list if name.entry(erp) not in known]
        inactive = [name for name in of_list if known.get(name.entry(erp)) is False]
        words = [_missing(missing, erp), _inactive(inactive, erp)]
        if any(words):
            yield Finding(RULES[each.name], " ".join(filter(None, words)), is_blocking=False)
    if unknown:
        yield Finding(UNKNOWN, _unknown(unknown, erp), is_blocking=False, is_known=False)


def _missing(names: Sequence[Asked], erp: ErpConnection) -> str:
    if not names:
        return ""
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    another = _a(_ENTRIES[names[0].list_name])
    return (
        f"{_named(names)} {are} not in {erp.title}. Add {them} there, or have the ERP administrator map {them} to "
        f"{another} that is there; until then the export fails."
    )


def _inactive(names: Sequence[Asked], erp: ErpConnection) -> str:
    if not names:
        return ""
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return f"{_named(names)} {are} inactive in {erp.title}. Make {them} active there; until then the export fails."


def _named(names: Sequence[Asked]) -> str:
    """The kind of entry and the names, of many only the first ones."""
    entry, shown = _ENTRIES[names[0].list_name].capitalize(), [each.words for each in names[:_MOST_NAMED]]
    if len(names) > _MOST_NAMED:
        shown.append(f"{len(names) - _MOST_NAMED:,} more")
    return f"{entry if len(names) == 1 else f'{entry}s'} {enumeration(shown)}"


def _unknown(lists: Sequence[str], erp: ErpConnection) -> str:
    named = enumeration(f"the {_ENTRIES[each]}{'s' if each == ITEM else ''}" for each in lists)
    if erp.mapped is not None and not erp.mapped.is_complete:
        return f"It is not known whether {erp.title} has {named}: its connection maps more names than are shown here."
    why = "its list has" if len(lists) == 1 else "its lists have"
    return f"It is not known whether {erp.title} has {named}: {why} not been read to the end yet."


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
