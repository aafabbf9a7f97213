"""The life of a plan after execution: kept, late, warned, cured, broken, completed."""
