"""The roof: settings, addresses, pages that show something of everything, the demo; nobody below imports it."""
