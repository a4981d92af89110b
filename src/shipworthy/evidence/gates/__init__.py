"""Gates: one file per form of rule, from what it asks of the rows to what was measured for it."""
