"""A classifier that says which breast masses need a biopsy, on the data that comes with scikit-learn."""
