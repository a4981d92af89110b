"""Checks of a spec before anything is run: rules in families, findings with line, reason and smallest fix."""
