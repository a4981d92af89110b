"""The library of failure modes: complete, known by other names, and expected where the spec gives a sign."""

from __future__ import annotations

import pytest

from shipworthy.define.library.modes import LIBRARY, Mode, expected_modes, modes_for
from shipworthy.define.reading import spec_from_data
from shipworthy.define.spec import FOUNDATION_KINDS, KINDS
from shipworthy.errors import UsageError

from .mutating import FOLDER, edited_data

BY_ID = {mode.id: mode for mode in LIBRARY}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_at_least_nine_modes_the_gravest_first(kind: str) -> None:
    modes = modes_for(kind)
    grave = [("blocker", "major", "minor").index(mode.severity) for mode in modes]
    assert len(modes) >= 9
    assert grave == sorted(grave)
    assert all(kind in mode.kinds for mode in modes)


@pytest.mark.parametrize("kind", FOUNDATION_KINDS)
def test_what_writes_or_acts_has_nine_modes_that_what_predicts_cannot_have(kind: str) -> None:
    assert sum(not set(mode.kinds) & {"classifier", "ranker"} for mode in modes_for(kind)) >= 9


@pytest.mark.parametrize("mode", LIBRARY, ids=lambda mode: mode.id)
def test_a_mode_says_all_that_a_table_needs(mode: Mode) -> None:
    assert mode.definition.endswith(".")
    assert mode.definition.count(". ") == 0
    assert all((mode.stratum, mode.detector, mode.guardrails, mode.monitor))
    assert set(mode.kinds) <= set(KINDS)


def test_no_mode_is_mistaken_for_another() -> None:
    mistaken = [
        (mode.id, other.id)
        for mode in LIBRARY
        for other in LIBRARY
        if mode != other and mode.is_among([other.id])
    ]
    assert mistaken == []
    assert len(BY_ID) == len(LIBRARY)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("stale_bureau", "data_staleness"),
        ("stale_kb", "data_staleness"),
        ("feature_parity", "training_serving_skew"),
        ("unequal_flags", "unequal_flag_rates"),
        ("miscalibrated", "poor_calibration"),
        ("Ticket_Injection", "prompt_injection"),
        ("model_outage", "model_unavailable"),
        ("tone_off", "tone_regression"),
    ],
)
def test_a_mode_is_known_by_other_names(written: str, meant: str) -> None:
    assert BY_ID[meant].is_among([written])


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="clasifier"):
        modes_for("clasifier")


def expected_of(base: str, **change: object) -> set[str]:
    data = edited_data(base, {key.replace("__", "."): value for key, value in change.items()})
    return {mode.id for mode in expected_modes(spec_from_data(data, FOLDER / f"{base}.yaml"))}


def test_a_regulated_classifier_with_fresh_sources_expects_its_modes() -> None:
    assert expected_of("loan") == {"unequal_flag_rates", "data_staleness", "gaming"}


def test_an_agent_that_reads_tickets_and_writes_refunds_expects_its_modes() -> None:
    assert expected_of("support") == {
        "wrong_tool_call",
        "fabricated_citation",
        "prompt_injection",
        "non_english_misfire",
        "data_staleness",
    }


def test_an_agent_that_reads_and_looks_up_nothing_expects_no_injection() -> None:
    closed = expected_of(
        "support", context__retrieval=None, context__tools=[], data__sources__tickets__external=False
    )
    assert "prompt_injection" not in closed
    assert "fabricated_citation" not in closed
