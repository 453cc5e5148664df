"""What an ERP does not take of a commitment: the rules that the desk holds before an order, and the exporter after.

1. `rule.py`: what a rule is, and the words that all of them share.
2. `header_rules.py`: numbers, names and titles. `line_rules.py`: the schedule of values.
3. `check.py`: the table of all rules, and what of a commitment breaks them.
4. `terms.py`: what an approver adds: the document number and the note.
"""

from schemas.erp_limits.check import LINE_RULES, RULES, BrokenLimit, broken_limits
from schemas.erp_limits.terms import long_memo, wrong_document_number

__all__ = ["LINE_RULES", "RULES", "BrokenLimit", "broken_limits", "long_memo", "wrong_document_number"]
