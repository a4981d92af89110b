"""Mutations of the bases, one file per family: each names the one rule that must speak."""
