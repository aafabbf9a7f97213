"""Where Django looks for the desk: importing this module registers its pages."""

from portal.core.desk import people, records

__all__ = ["people", "records"]
