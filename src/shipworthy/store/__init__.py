"""Workspace folders: runs, decisions, journals, hashes."""
