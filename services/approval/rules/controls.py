"""What the rules of a company let an approver accept: what others sent, up to a limit, together with another one."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from schemas.commitment import Commitment, Person, Summary
from schemas.events import DelegatedLimit
from services.approval.rules.approval_rules import CompanyRules, Duties
from services.approval.rules.commitment import CommitmentFacts, current_status, without_approvals
from services.approval.rules.finding import Finding
from services.approval.rules.first_approval import FirstApproval
from services.pipeline.formats import enumeration, money

DUTIES, LIMIT, SECOND = "separation of duties", "approval limit", "second approval"
"""The rules, as findings name them."""

MAX_NAMED = 3

Content = Commitment | Summary
"""What the rules ask about: a commitment, or what is known of it in short."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Somebody who may accept commitments of the company."""

    person: Person
    delegated: tuple[DelegatedLimit, ...] = ()
    """The limits of others that they may use now."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """How somebody accepts a commitment: as one of two approvers, or with the limit of another one."""

    needs_second: bool = False
    limit_of: DelegatedLimit | None = None
    void: frozenset[FirstApproval] = frozenset()
    """The first approvals that do not count any more."""


ALONE = Mandate()


@dataclass(frozen=True, slots=True)
class Authority:
    """Who looks at a commitment to accept it, by which rules, and which other approvers there are.

    The others are only needed, and given, where approvers have limits, or two of them have to accept.
    """

    who: Approver
    rules: CompanyRules
    others: tuple[Approver, ...] = ()


def control_findings(
    commitment: Commitment,
    sent_by: Person,
    authority: Authority,
    first: FirstApproval | None = None,
    senders: Collection[str] = (),
) -> Iterator[Finding]:
    """Why the approver may not accept what `sent_by` submitted, or should think twice.

    `first` is the approval of the first of two approvers that stands and counts. `senders` are the ids of those who
    sent any revision, as far as they are barred.
    """
    case = _Case.of(commitment, sent_by, authority.rules, first, senders)
    part = case.part_of(authority.who.person)
    if case.first and case.first.by.id == authority.who.person.id:
        yield approved_by_you(case.number)
        return
    if part and case.rules.separation_of_duties is Duties.BLOCK:
        yield Finding(DUTIES, f"You {part} {case.number}. Another approver has to accept it.")
        return
    if part and case.rules.separation_of_duties is Duties.WARN:
        text = f"You {part} {case.number} yourself. If you accept it, its history says so."
        yield Finding(DUTIES, text, is_blocking=False)
    if not case.is_within_limit(authority.who):
        yield Finding(LIMIT, _above_limit(case, authority))
    if needs_second(commitment, authority.rules):
        yield Finding(SECOND, _second_words(case), is_blocking=False)


def needs_second(commitment: Content, rules: CompanyRules) -> bool:
    """Whether two approvers have to accept it."""
    return not _covers(rules.second_approval_above(commitment.currency), abs(Decimal(commitment.total)))


def mandate(
    commitment: Commitment,
    sent_by: Person,
    authority: Authority,
    first: FirstApproval | None = None,
    senders: Collection[str] = (),
) -> Mandate:
    """How the approver with `authority` accepts it; the rest is as for `control_findings`."""
    case = _Case.of(commitment, sent_by, authority.rules, first, senders)
    return Mandate(needs_second(commitment, authority.rules), case.limit_of_another(authority.who))


def void_approvals(
    content: Content,
    sent_by: Person,
    authority: Authority,
    approvals: Collection[FirstApproval],
    senders: Collection[str] = (),
) -> frozenset[FirstApproval]:
    """Those of `approvals` whose approver could not accept `content` by the rules and rights as they are now."""
    if not approvals:
        return frozenset()
    case = _Case.of(content, sent_by, authority.rules, None, senders)
    approvers = {each.person.id: each for each in (authority.who, *authority.others)}
    return frozenset(each for each in approvals if not case.counts(each, approvers.get(each.by.id)))


def as_counted(facts: CommitmentFacts, authority: Authority | None) -> CommitmentFacts:
    """`facts` without first approvals that do not count or are not needed, as whoever has `authority` reads them."""
    current = current_status(facts) if authority and facts.first_approvals else None
    if authority is None or current is None:
        return facts
    summary = current.summary
    if not needs_second(summary, authority.rules):
        return without_approvals(facts, facts.first_approvals)
    return without_approvals(facts, void_approvals(summary, summary.sent_by, authority, facts.first_approvals))


def approved_by_you(number: str) -> Finding:
    """Why the first of two approvers cannot be the second one as well."""
    return Finding(SECOND, f"You approved {number}. A second approver has to accept it.")


def _second_words(case: "_Case") -> str:
    if case.first is None:
        above = money(case.rules.second_approval_above(case.currency) or Decimal(0), case.currency)
        return f"{case.number} is above {above}: a second approver has to accept it after you."
    asked, terms = [], case.first.terms
    if terms.erp_code:
        asked.append(f"the document number {terms.erp_code}")
    if terms.accounting_date:
        asked.append(f"the accounting date {terms.accounting_date}")
    wishes = f" They asked for {' and '.join(asked)}." if asked else ""
    return f"{case.first.by.name} approved this; a second approver has to accept it.{wishes}"


def own_part(creator: Person, sent_by: Person, person: Person) -> str:
    """What `person` did to the commitment before it was to be accepted, such as "created and sent"; mostly empty."""
    did = (("created", creator), ("sent", sent_by))
    return " and ".join(verb for verb, by in did if by.id == person.id)


@dataclass(frozen=True, slots=True)
class _Case:
    """A commitment as far as the rules ask about it; a credit counts as its amount."""

    commitment: Content
    sent_by: Person
    rules: CompanyRules
    amount: Decimal
    first: FirstApproval | None
    """The approval of the first of two approvers, where two are needed."""

    senders: Collection[str] = ()
    """The ids of those who sent any revision, as far as they are barred."""

    @classmethod
    def of(
        cls,
        commitment: Content,
        sent_by: Person,
        rules: CompanyRules,
        first: FirstApproval | None,
        senders: Collection[str],
    ) -> "_Case":
        counted = first if needs_second(commitment, rules) else None
        return cls(commitment, sent_by, rules, abs(Decimal(commitment.total)), counted, senders)

    @property
    def number(self) -> str:
        return self.commitment.number

    @property
    def currency(self) -> str:
        return self.commitment.currency

    def part_of(self, person: Person) -> str:
        own = own_part(self.commitment.creator, self.sent_by, person)
        return own or ("sent an earlier revision of" if person.id in self.senders else "")

    def counts(self, approval: FirstApproval, approver: Approver | None) -> bool:
        """Whether `approver`, who gave `approval`, could give it now; a limit that was lent for it still counts."""
        if approver is None or self.is_barred(approver.person):
            return False
        owner = approval.limit_of
        is_lent = owner is not None and not self.is_barred(owner) and self._has_limit(owner)
        return is_lent or self.is_within_limit(approver)

    def is_barred(self, person: Person) -> bool:
        """Whether the person may not accept it, whatever their limit."""
        is_first = self.first is not None and self.first.by.id == person.id
        return is_first or (self.rules.separation_of_duties is Duties.BLOCK and bool(self.part_of(person)))

    def is_within_limit(self, approver: Approver) -> bool:
        return _covers(self.limit(approver), self.amount)

    def limit(self, approver: Approver) -> Decimal | None:
        """The highest total that the approver may accept, also with the limit of another; None if there is none."""
        people = [approver.person, *(each.owner for each in self._usable(approver))]
        limits = [self.rules.limit(each.id, self.currency) for each in people]
        return max((each for each in limits if each is not None), default=None) if None not in limits else None

    def limit_of_another(self, approver: Approver) -> DelegatedLimit | None:
        """The limit of another that the approver needs for it; None if their own suffices, or none does."""
        if _covers(self.rules.limit(approver.person.id, self.currency), self.amount):
            return None
        usable = self._usable(approver)
        return next((each for each in usable if self._has_limit(each.owner)), None)

    def _usable(self, approver: Approver) -> list[DelegatedLimit]:
        """The limits of others; not of those who may not accept it themselves, whatever their limit."""
        return [each for each in approver.delegated if not self.is_barred(each.owner)]

    def _has_limit(self, person: Person) -> bool:
        return _covers(self.rules.limit(person.id, self.currency), self.amount)


def _covers(limit: Decimal | None, amount: Decimal) -> bool:
    return limit is None or amount <= limit


def _above_limit(case: _Case, authority: Authority) -> str:
    limit = case.limit(authority.who)
    known = f"{case.number} is {money(case.commitment.total, case.currency)}. "
    yours = f"Your limit is {money(limit or Decimal(0), case.currency)}"
    able = [
        each.person.name for each in authority.others if not case.is_barred(each.person) and case.is_within_limit(each)
    ]
    if not able:
        return f"{known}{yours}, and no other approver may accept it either."
    return f"{known}{yours}; {_alternatives(able)} may accept it."


def _alternatives(names: list[str]) -> str:
    """The names in one phrase: "Dana Ruiz, Kim Osei or Lee Park"; of many the first ones."""
    shown = names if len(names) <= MAX_NAMED else [*names[: MAX_NAMED - 1], f"{len(names) - MAX_NAMED + 1} others"]
    return enumeration(shown, "or")
