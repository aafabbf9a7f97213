"""Where Django looks for the desk: importing this module registers its pages."""

from loans.desk import proposals, records

__all__ = ["proposals", "records"]
