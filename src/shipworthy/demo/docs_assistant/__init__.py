"""An assistant that answers questions about Python's standard library from its own documentation."""
