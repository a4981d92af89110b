"""Rules stay silent where what looks wrong is right."""

from __future__ import annotations

from typing import Any

import pytest

from .mutating import linted


def woken(base: str, change: dict[str, Any], facts: dict[str, Any] | None = None) -> set[str]:
    before = {(one.code, one.what) for one in linted(base).findings}
    return {one.code for one in linted(base, change, facts).findings if (one.code, one.what) not in before}


@pytest.mark.parametrize(
    ("base", "change", "code"),
    [
        # A prompt reply, an agent who is a person, and rag as a cloth are no techniques.
        ("support", {"problem.job": "A prompt reply by an agent, without rag and bone"}, "SW106"),
        # The target names its change in words.
        ("loan", {"problem.success": "Median time falls from 26 h to 5 h", "problem.today": "Slow"}, "SW104"),
        # Something else may be written in the costs' own currency.
        ("loan", {"costs.review": 22, "costs.false_positive.means": "420 USD are lost"}, "SW108"),
        # Owners may be named by their role.
        ("loan", {"monitors.m_fresh.owner": "data"}, "SW112"),
        # A count in words is no scale.
        ("support", {"metrics.tone.what": "answers in 1 to 5 sentences"}, "SW209"),
        # A similarity may be shown, or be advisory.
        ("support", {"metrics.+": {"id": "rouge_l", "scorer": "rouge"}}, "SW210"),
        # Bands may be written in any order, with both ends.
        (
            "loan",
            {
                "routing.bands": [
                    {"from": 0.93, "to": 1, "action": "auto_approve"},
                    {"from": 0, "to": 0.6, "action": "full_review", "by": "person"},
                    {"from": 0.6, "to": 0.93, "action": "streamlined_review", "by": "person"},
                ]
            },
            "SW501",
        ),
        # What anyone can explain may be said by name instead of type.
        ("support", {"systems.baselines": {"keyword_search": {"what": "today's search"}}}, "SW522"),
        # An adverse action with reasons may be automatic.
        ("loan", {"routing.bands.0.by": "fallback"}, "SW505"),
        # A waiver with all three, still running.
        (
            "loan",
            {
                "gates.g_precision.waiver": {
                    "owner": "model-risk-lead",
                    "reason": "until the next model",
                    "expires": "2026-03-01",
                }
            },
            "SW510",
        ),
        # A confirmation set answers for many candidates.
        ("loan", {"golden.confirm": "golden/confirm.parquet"}, "SW533"),
    ],
)
def test_a_rule_stays_silent(base: str, change: dict[str, Any], code: str) -> None:
    facts = {"runs.candidates": 9} if code == "SW533" else None
    assert code not in woken(base, change, facts)


def test_a_gate_tighter_than_live_is_fine_once_a_candidate_was_beyond_it() -> None:
    facts = {"runs.live_values": {"g_precision": 0.8}, "runs.values": {"g_precision": 0.9}}
    assert "SW511" not in woken("loan", {}, facts)


def test_reviews_within_capacity_are_fine() -> None:
    assert "SW504" not in woken("loan", {}, {"runs.band_shares": (0.5, 0.4, 0.1)})


def test_a_column_reached_by_a_path_is_there() -> None:
    change = {"slices": ["meta.language"]}
    assert "SW506" not in woken("loan", change, {"columns": ("case_id", "meta", "thin_file", "age_62_plus")})


def test_a_gap_needs_equal_groups_to_prove_it_and_no_more() -> None:
    sizes = {"golden.by_stratum.representative.age_62_plus": {"yes": 1050, "no": 2950}}
    assert "SW603" not in woken("loan", {}, sizes)


def test_a_list_whose_only_modes_are_accepted_needs_no_gate() -> None:
    change = {"golden.sampled.ambiguous": "curated", "golden.strata.ambiguous": 80}
    accepted = {"id": "vague", "severity": "minor", "cases": "ambiguous", "accepted": "people ask again"}
    assert "SW314" in woken("support", change)
    assert "SW314" not in woken("support", {**change, "failure_modes.+": accepted})


def test_one_list_over_all_cases_holds_every_stratum() -> None:
    everything = {"id": "g_all", "rule": "failures <= 0", "on": "all"}
    change = {"golden.sampled": "curated", "gates.+": everything}
    assert "SW314" not in woken("minimum", change)


def test_usual_words_need_no_positive_class() -> None:
    from .mutating import DELETED

    facts = {"golden.usual_positive": True, "golden.classes": {"no": 900, "yes": 100}}
    assert "SW317" not in woken("minimum", {"golden.positive": DELETED}, facts)


def test_a_score_with_a_threshold_decides() -> None:
    change = {"systems.live.recorded": "live.csv", "systems.live.threshold": 0.7}
    facts = {"answers": {"live": ("case_id", "predicted_score")}}
    assert "SW318" not in woken("loan", change, facts)
