"""Where Django looks for the desk: importing these modules registers their pages."""

from relief.desk import board, case, chat, erasures, records

__all__ = ["board", "case", "chat", "erasures", "records"]
