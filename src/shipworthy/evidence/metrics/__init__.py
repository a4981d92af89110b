"""The catalogue: one file per family, one small decorated definition per metric."""
