"""Where Django looks for the desk: importing this module registers its pages."""

from portal.core.desk import records

__all__ = ["records"]
