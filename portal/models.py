"""Where Django looks for tables: importing this package registers them; import them from there."""

from portal.core import models

__all__ = ["models"]
