"""Checks the names of a commitment against the lists of its ERP: what is missing, inactive, or not known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.commitment import Commitment, Line
from schemas.erp_names import item_name, job_name, vendor_name
from schemas.events import ITEM, JOB, VENDOR, ErpConnection, ErpList, MappedNames
from services.approval.rules.finding import Finding
from services.pipeline.formats import enumeration

UNKNOWN = "lists of the ERP"
"""The rule of the finding that something is not known of the ERP's lists."""

RULES = {VENDOR: "vendor in the ERP", ITEM: "items in the ERP", JOB: "job in the ERP"}
"""The rule for each list that is checked."""

_MOST_NAMED = 5
_FAILS = "until then the export fails."
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
    return found.read_at is not None and _names(erp).is_complete


def asked(content: Commitment, erp: ErpConnection | None) -> tuple[Asked, ...]:
    """The names that `erp` will be asked for, each once; only those that it has a list for."""
    listed, names = {each.name for each in checked_lists(erp)}, _names(erp)
    vendor, project = content.vendor, content.project
    wanted = [(VENDOR, vendor_name(vendor, names), vendor.name)]
    wanted += [(ITEM, item_name(line.cost_code, names), line.cost_code or _no_code(line)) for line in content.lines]
    wanted.append((JOB, job_name(project, names), project.erp_job_code or project.number or project.name))
    first: dict[tuple[str, str], Asked] = {}
    for list_name, name, meant in wanted:
        if name and list_name in listed:
            first.setdefault((list_name, name.lower()), Asked(list_name, name, meant))
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
        words = [_nameless(each.name, content, erp)]
        if is_known(erp, each):
            words.append(_missing([name for name in of_list if name.entry(erp) not in known], erp))
            words.append(_inactive([name for name in of_list if known.get(name.entry(erp)) is False], erp))
        elif of_list or not _names(erp).is_complete:
            unknown.append(each.name)
        if any(words):
            yield Finding(RULES[each.name], " ".join(filter(None, words)), is_blocking=False)
    if unknown:
        yield Finding(UNKNOWN, _unknown(unknown, erp), is_blocking=False, is_known=False)


def _nameless(list_name: str, content: Commitment, erp: ErpConnection) -> str:
    """That `erp` cannot be asked for something without a name there; empty where its limits say so already."""
    names, vendor, project = _names(erp), content.vendor, content.project
    if not names.is_complete:
        return ""
    match list_name:
        case "vendor" if not vendor_name(vendor, names) and not erp.limits.needs_vendor_code:
            mend = "The project has to give it one, and to re-send the commitment"
            return f"{vendor.name} has no ERP code, so {erp.title} is not asked for it. {mend}; {_FAILS}"
        case "item" if not erp.limits.needs_cost_code:
            return _lines_without_item(content, erp)
        case "job" if not job_name(project, names):
            mend = "The project has to get one, or the ERP administrator maps its number"
            return f"{project.name} has no job code, so {erp.title} is not asked for its job. {mend}; {_FAILS}"
        case _:
            return ""


def _lines_without_item(content: Commitment, erp: ErpConnection) -> str:
    names = _names(erp)
    without = [_no_code(line) for line in content.lines if not item_name(line.cost_code, names)]
    if not without:
        return ""
    has = "has" if len(without) == 1 else "have"
    return f"{_some(without).capitalize()} {has} no cost code, so {erp.title} is not asked for an item; {_FAILS}"


def _missing(names: Sequence[Asked], erp: ErpConnection) -> str:
    if not names:
        return ""
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    another = _a(_ENTRIES[names[0].list_name])
    return (
        f"{_named(names)} {are} not in {erp.title}. Add {them} there, or have the ERP administrator map {them} to "
        f"{another} that is there; {_FAILS}"
    )


def _inactive(names: Sequence[Asked], erp: ErpConnection) -> str:
    if not names:
        return ""
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return f"{_named(names)} {are} inactive in {erp.title}. Make {them} active there; until then the export may fail."


def _named(names: Sequence[Asked]) -> str:
    """The kind of entry and the names."""
    entry = _ENTRIES[names[0].list_name].capitalize()
    return f"{entry if len(names) == 1 else f'{entry}s'} {_some([each.words for each in names])}"


def _some(names: Sequence[str]) -> str:
    """The names, of many only the first ones."""
    more = [f"{len(names) - _MOST_NAMED:,} more"] if len(names) > _MOST_NAMED else []
    return enumeration([*names[:_MOST_NAMED], *more])


def _no_code(line: Line) -> str:
    return f"line {line.position}"


def _names(erp: ErpConnection | None) -> MappedNames:
    return (erp and erp.mapped) or MappedNames()


def _unknown(lists: Sequence[str], erp: ErpConnection) -> str:
    named = enumeration(f"the {_ENTRIES[each]}{'s' if each == ITEM else ''}" for each in lists)
    if not _names(erp).is_complete:
        return f"It is not known whether {erp.title} has {named}: its connection maps more names than are shown here."
    why = "its list has" if len(lists) == 1 else "its lists have"
    return f"It is not known whether {erp.title} has {named}: {why} not been read to the end yet."


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
