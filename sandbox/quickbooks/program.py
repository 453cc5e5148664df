"""QuickBooks as a program on somebody's computer: closed or open, with one company file, or stuck in a dialog."""

from lxml import etree

from sandbox.quickbooks.company_file import Books, CompanyFile
from sandbox.quickbooks.hresult import Hresult, HresultError
from sandbox.quickbooks.journal import Journal
from sandbox.quickbooks.qbxml import NEWEST_VERSION, OK, Answer, Status, Values, element_of, written

PRODUCT = "QuickBooks Desktop Enterprise Solutions 24.0 (sandbox)"


class QuickBooks:
    """The program; `files` are the company files on its computer, of which the first is open."""

    def __init__(self, files: list[CompanyFile], journal: Journal) -> None:
        self.files = files
        self.journal = journal
        self.open_file = files[0]
        self.is_running = True
        self.has_dialog = False
        self._backups: dict[str, Books] = {}

    def open(self, path: str) -> None:
        """Open another company file, as its user does. LookupError if there is none at `path`."""
        found = next((each for each in self.files if each.path == path), None)
        if found is None:
            raise LookupError(path)
        self.open_file = found
        self.is_running = True

    def back_up(self) -> None:
        """Make a backup of the open file in place of its last one."""
        self._backups[self.open_file.path] = self.open_file.snapshot()

    def restore(self) -> None:
        """Go back to the last backup of the open file; without one, nothing happens."""
        if backup := self._backups.get(self.open_file.path):
            self.open_file.restore(backup)

    @property
    def has_backup(self) -> bool:
        """Whether the open file has a backup."""
        return self.open_file.path in self._backups

    def begin_session(self, path: str) -> CompanyFile:
        """Return the company file at `path`, or the open one if that is empty. HresultError if it cannot be had."""
        if not self.is_running:
            raise HresultError(Hresult.NOT_STARTED)
        if self.has_dialog:
            raise HresultError(Hresult.DIALOG)
        if path and path.lower() != self.open_file.path.lower():
            raise HresultError(Hresult.OTHER_FILE)
        return self.open_file

    def process(self, file: CompanyFile, text: str, refusal: Status | None = None) -> str:
        """Carry out a set of requests in `file`. HresultError if QuickBooks fails, or has closed it."""
        if self.begin_session("") is not file:
            raise HresultError(Hresult.NO_ACCESS)
        return file.process(text, refusal)


def host_company_preferences(file: CompanyFile) -> str:
    """Return what the Web Connector says of QuickBooks and the company with its first request for work."""
    versions: Values = {"SupportedQBXMLVersion": f"{NEWEST_VERSION}.0"}
    host: Values = {"ProductName": PRODUCT, "MajorVersion": "34", "MinorVersion": "0", "Country": "US", **versions}
    host |= {"IsAutomaticLogin": "false", "QBFileMode": "SingleUser"}
    company: Values = {"IsSampleCompany": "false", "CompanyName": file.name, "LegalCompanyName": file.name}
    preferences: Values = {"PurchasesAndVendorsPreferences": {"IsUsingInventory": "true", "DaysBillsAreDue": "10"}}
    told = {"Host": host, "Company": company, "Preferences": preferences}
    return written(((etree.Element(f"{name}QueryRq"), _answer(name, values)) for name, values in told.items()), {})


def _answer(name: str, values: Values) -> Answer:
    return Answer(OK, (element_of(f"{name}Ret", values),))
