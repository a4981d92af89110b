"""What Shipworthy promises, simulated or counted: `python -m honesty` writes docs/honesty.md."""
