"""Settings of the property tests of the numbers."""

from __future__ import annotations

from hypothesis import settings

# A slow machine is no broken law.
settings.register_profile("numbers", deadline=None)
settings.load_profile("numbers")
