"""Files that support a case: take, check, show, log, remove."""
