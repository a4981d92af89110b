"""The wizard: plain questions, and the product that their answers make."""
