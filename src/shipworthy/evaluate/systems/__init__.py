"""The ways to ask a system, one file each."""
