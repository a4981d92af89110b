"""`python -m shipworthy` is the command line."""

from shipworthy.cli.main import main

main()
