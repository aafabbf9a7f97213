"""Tables of the books; nothing above models is imported here."""

from loans.models.accounting import BookExport, ChartVersion
from loans.models.correction import Correction
from loans.models.ledger import OF_THE_LOAN, RECEIVABLES, Account, Entry, Payment, Posting
from loans.models.loan import Loan
from loans.models.portfolio import PortfolioChunk, PortfolioLine, PortfolioReport
from loans.models.proposal import Proposal
from loans.models.schedule import Instalment, Schedule

__all__ = [
    "OF_THE_LOAN",
    "RECEIVABLES",
    "Account",
    "BookExport",
    "ChartVersion",
    "Correction",
    "Entry",
    "Instalment",
    "Loan",
    "Payment",
    "PortfolioChunk",
    "PortfolioLine",
    "PortfolioReport",
    "Posting",
    "Proposal",
    "Schedule",
]
