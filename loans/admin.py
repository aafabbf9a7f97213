"""Where Django looks for the desk: importing this module registers its pages."""

from loans.desk import accounts, portfolio, proposals, records

__all__ = ["accounts", "portfolio", "proposals", "records"]
