"""Rows to totals to estimates: the metrics, their intervals and the bounds that gates use."""
