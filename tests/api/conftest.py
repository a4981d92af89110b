"""The command line for these tests."""

from cli.shipping import Ship, ship

__all__ = ["Ship", "ship"]
