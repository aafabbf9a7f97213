"""The case: its rules, its one door for moves, review, deadlines and audit."""
