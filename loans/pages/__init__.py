"""Pages of loans: they find the loan through its borrower and leave every rule to the services."""
