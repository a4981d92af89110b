"""How often each kind of bound was measured to pass what is exactly at its bar, where 5% are stated."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MEASURED_ERRORS", "MeasuredError", "measured_error"]


@dataclass(frozen=True)
class MeasuredError:
    """The largest measured rate of false passes of one method, at a stated 5%.

    Args:
        worst: Over the settings for which at most 6% is promised, 0 to 1.
        beyond: Over the settings for which nothing is promised; None where there are none.
    """

    worst: float
    beyond: float | None = None


#: By the beginning of the method's name; `make honesty` writes them beside docs/assets/honesty.json.
MEASURED_ERRORS: dict[str, MeasuredError] = {
    "DeLong, one worst case per class": MeasuredError(0.0505),
    "Dirichlet draws, worst cell": MeasuredError(0.0567),
    "Dirichlet, worst-cell": MeasuredError(0.0387),
    "PPI++, melded exact pieces": MeasuredError(0.03),
    "Rogan-Gladen, melded exact pieces": MeasuredError(0.0367),
    "cluster bootstrap, worst-cluster": MeasuredError(0.0542),
    "confidence sequence, asymptotic": MeasuredError(0.0478),
    "melded": MeasuredError(0.0384),
    "paired, Dirichlet, worst-cell": MeasuredError(0.0325),
    "paired, post-stratified by the judge, one worst case": MeasuredError(0.03),
    "t, guarded against skewness": MeasuredError(0.0584, 0.182),
    "t, guarded by the range": MeasuredError(0.0485),
}


def measured_error(method: str) -> MeasuredError | None:
    """Return what was measured of a method whose risk holds by measurement and not by proof.

    Args:
        method: Name of the method of a bound, as a confidence distribution gives it.

    Returns:
        The measured error; None where the bound is exact or nothing was measured.

    >>> measured_error("exact binomial (Clopper-Pearson)") is None
    True
    """
    known = [name for name in MEASURED_ERRORS if method.startswith(name)]
    return MEASURED_ERRORS[max(known, key=len)] if known else None
