"""SW00x: files."""

from __future__ import annotations

from ..mutating import Mutation

MUTATIONS = [
    Mutation(
        "SW002", "loan", {}, {"files": {"golden.path": "golden/loan.parquet"}}, says="golden/loan.parquet"
    ),
]
