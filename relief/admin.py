"""Where Django looks for the desk: importing these modules registers their pages."""

from relief.desk import board, case, chat, records

__all__ = ["board", "case", "chat", "records"]
