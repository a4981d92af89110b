"""Spec and evidence to a decision: gates, verdict, the record. Pure: no clock, no network, no engine."""
