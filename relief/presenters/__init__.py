"""What the pages of relief show: frozen views of what the queries answered; no query, no rule."""
