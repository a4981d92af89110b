"""Tests of the record rendering."""
