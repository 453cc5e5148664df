"""The connector to Ledgerly Desktop passes the tests that every pull connector has to pass."""

import json
from typing import Any

from ledgerly.desktop import LedgerlyDesktop
from test_ledgerly import shown

from services.exporter.connector_tests import Call, PullBooks, PullConnectorTests, PullDialect, ReadTests
from services.exporter.connectors.pull import PullConnector, PullSettings, Reply

PART = 500


class LedgerlyDesktopDialect(PullDialect):
    """How Ledgerly Desktop speaks: a line of JSON each way."""

    kind = LedgerlyDesktop
    own_errors = (b'{"problem": {"code": "period_closed", "text": "December is closed."}}',)
    not_reached = (Reply("", "0x01", "No process."), Reply("", "0x02", "Wrong ledger."))
    not_taken = (Reply("", "0x10", "Syntax error."),)

    def pull_connector(self) -> PullConnector:
        settings = PullSettings(
            name="desktop", kind="ledgerly_desktop", title="Ledgerly", companies=("company-204",), user="countersign"
        )
        return self.kind(settings, None)

    def call_about(self, text: str) -> Call:
        asked = json.loads(text)
        if "write" in asked:
            return Call.CREATE if asked["write"]["key"] is None else Call.UPDATE
        if "orders" not in asked:
            return Call.OTHER
        return Call.READ if asked["orders"]["numbers"] == asked["orders"]["keys"] else Call.FIND

    def answer_to(self, text: str, books: PullBooks) -> str:
        match json.loads(text):
            case {"became_of": message_set_id}:
                return books.kept.get(message_set_id, '{"orders": []}')
            case {"orders": {"numbers": numbers, "keys": keys}}:
                return orders(*books.asked_for(numbers=numbers, ids=keys))
            case {"list": name, "begin": begin}:
                entries = books.lists.get(name, [])[begin:]
                part = [{"key": each.id, "name": each.name, "closed": not each.is_active} for each in entries[:PART]]
                return json.dumps({"entries": part, "begin_next": begin + PART if entries[PART:] else None})
            case {"write": {"key": None, "memo": memo, "no": number}}:
                marker = memo.partition("\n")[0]
                return orders(books.create(marker.rsplit("/", 2)[0], marker, {"number": number}))
            case {"write": {"key": key, "memo": memo, "no": number}}:
                if updated := books.update(key, memo.partition("\n")[0], {"number": number}):
                    return orders(updated)
        return json.dumps({"problem": {"code": "no_such_order", "text": "There is no such thing."}})


def orders(*documents: Any) -> str:
    return json.dumps({"orders": [shown(each) for each in documents]})


class TestLedgerlyDesktop(PullConnectorTests, ReadTests):
    dialect = LedgerlyDesktopDialect()
