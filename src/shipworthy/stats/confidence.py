"""Confidence distributions: one value with its one-sided bounds, whatever it was computed from."""

from shipworthy.stats.clusters import ClusterRatio
from shipworthy.stats.count_tables import CountTableMean, Proportion, TableFunction
from shipworthy.stats.distribution import Confidence, Side, matched_beta
from shipworthy.stats.means import LogitNormal, Mean, Normal
from shipworthy.stats.melding import Affine, Difference, Ratio

__all__ = [
    "Affine",
    "ClusterRatio",
    "Confidence",
    "CountTableMean",
    "Difference",
    "LogitNormal",
    "Mean",
    "Normal",
    "Proportion",
    "Ratio",
    "Side",
    "TableFunction",
    "matched_beta",
]
