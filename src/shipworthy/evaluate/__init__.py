"""Run a system over the golden set and score what it says."""
