"""The scorers, one file each; a file put here registers itself."""
