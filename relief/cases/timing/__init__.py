"""When something is due in a case, and what happens when its time has come or has passed."""
