"""Tables of the books; nothing above models is imported here."""

from loans.models.append_only import AppendOnlyError
from loans.models.correction import Correction
from loans.models.ledger import RECEIVABLES, Account, Entry, Payment, Posting
from loans.models.loan import Loan
from loans.models.schedule import Instalment, Schedule

__all__ = [
    "RECEIVABLES",
    "Account",
    "AppendOnlyError",
    "Correction",
    "Entry",
    "Instalment",
    "Loan",
    "Payment",
    "Posting",
    "Schedule",
]
