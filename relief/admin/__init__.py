"""The relief desk in Django's admin: registers its pages; nothing here writes but through services."""

from relief.admin import board, case, chat, records

__all__ = ["board", "case", "chat", "records"]
