"""What the loan pages show: frozen views of figures the queries answered; no query, no rule."""
