"""Looking again at one candidate, trying many, and the set that is used once."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from cli.shipping import function_product, recorded, refused
from shipworthy.stats.proportions import lower_bound
from shipworthy.stats.sequential import HORIZON, risk_left, sequence_lower

GATE = "  - accuracy >= 93%"


def grow(product: Path, n: int, *, gates: str = GATE, looks: str = "", sampled: str = "random") -> None:
    """Write the product again with n cases; of every 20 cases the candidate has one wrong."""
    recorded(product, n=n, gates=gates)
    spec = product / "shipworthy.yaml"
    text = spec.read_text(encoding="utf-8")
    new = f"sampled: {sampled}{f', looks: {looks}' if looks else ''}"
    spec.write_text(text.replace("sampled: random", new), encoding="utf-8")


def decided(ship, product: Path, *options: str):
    return ship("decide", "--product", product, "--json", *options).json


def gate_of(ship, product: Path, *options: str):
    return decided(ship, product, *options)["gates"][0]


def verified(ship, product: Path) -> None:
    said = ship("verify", "--product", product)
    assert said.code == 0, said.out


# -- more cases of the same candidate ------------------------------------------------------------------------


def test_a_first_look_is_exact_and_a_second_one_with_more_cases_is_a_confidence_sequence(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100)
    first = gate_of(ship, product)
    assert (first["status"], first["earlier_looks"], first["tried_again"]) == ("not_proven", 0, "")
    assert first["evidence"]["lower"] == pytest.approx(lower_bound(95, 100))
    assert first["risk_in_all"] == pytest.approx(0.05)
    grow(product, 600)
    second = gate_of(ship, product)
    found = second["evidence"]
    assert (second["earlier_looks"], second["candidates_tried"], found["over_looks"]) == (1, 1, True)
    left = risk_left(100, 0.93, "at_least")
    assert found["lower"] == pytest.approx(sequence_lower(570, 600, HORIZON * 100, 0.95, left))
    assert found["bound_method"].startswith("confidence sequence, exact")
    # A single look would have passed; a second one has to pay for the first.
    assert lower_bound(570, 600) >= 0.93 > found["lower"]
    assert second["status"] == "not_proven"
    assert second["risk_in_all"] == pytest.approx(0.06)
    assert "Look 2 at this candidate" in second["tried_again"]
    assert "at most 6%" in second["tried_again"]
    verified(ship, product)
    grow(product, 3000)
    third = gate_of(ship, product)
    assert (third["status"], third["earlier_looks"]) == ("met", 2)
    verified(ship, product)


def test_the_terminal_the_record_and_the_pull_request_say_that_it_is_a_second_look(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100)
    ship("decide", "--product", product)
    grow(product, 600)
    said = ship(
        "decide", "--product", product, "--html", tmp_path / "r.html", "--markdown", tmp_path / "r.md"
    )
    phrase = "Look 2 at this candidate: bounds of a confidence sequence; all looks together risk at most 6%."
    assert phrase in said.flat
    for name in ("r.html", "r.md"):
        text = re.sub(r"\s+", " ", (tmp_path / name).read_text(encoding="utf-8"))
        assert "Look 2 at this candidate" in text, name


def test_computing_the_same_evidence_again_is_no_look(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100)
    first = decided(ship, product)
    again = decided(ship, product)
    assert (again["id"], again["is_new"]) == (first["id"], False)
    # Another slice makes other files of the same cases and answers.
    spec = product / "shipworthy.yaml"
    spec.write_text(spec.read_text(encoding="utf-8") + "slices: [language]\n", encoding="utf-8")
    sliced = decided(ship, product)
    assert sliced["is_new"]
    gate = sliced["gates"][0]
    assert (gate["earlier_looks"], gate["candidates_tried"]) == (0, 1)
    assert gate["evidence"]["lower"] == pytest.approx(lower_bound(95, 100))
    verified(ship, product)


def test_moving_the_bar_does_not_make_a_second_look_a_first_one(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100)
    ship("decide", "--product", product)
    grow(product, 600, gates="  - accuracy >= 92.9%")
    gate = gate_of(ship, product)
    assert (gate["earlier_looks"], gate["evidence"]["over_looks"]) == (1, True)


def test_another_metric_that_was_never_looked_at_is_judged_exactly(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100)
    ship("decide", "--product", product)
    grow(product, 600, gates=f"{GATE}\n  - recall >= 50%")
    again, new = decided(ship, product)["gates"]
    assert (again["earlier_looks"], new["earlier_looks"]) == (1, 0)
    assert not new["evidence"]["over_looks"]


def test_a_gate_that_was_proven_stays_proven_while_the_new_cases_do_not_speak_against_it(ship, tmp_path):
    # 96 of 100 and then 190 of 200 with a bar that only the first look's exact bound reaches.
    product = tmp_path / "p"
    grow(product, 100, gates="  - accuracy >= 89.7%")
    first = gate_of(ship, product)
    assert first["status"] == "met"
    grow(product, 120, gates="  - accuracy >= 89.7%")
    second = gate_of(ship, product)
    alone = sequence_lower(114, 120, HORIZON * 100, 0.95, risk_left(100, 0.897, "at_least"))
    assert alone < 0.897
    assert second["status"] == "met"
    assert second["evidence"]["lower"] == pytest.approx(first["evidence"]["lower"])
    assert "an earlier look" in second["evidence"]["bound_method"]
    verified(ship, product)


def test_where_earlier_cases_are_gone_it_is_said_and_nothing_proven_earlier_is_kept(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100, gates="  - accuracy >= 89.7%")
    assert gate_of(ship, product)["status"] == "met"
    grow(product, 120, gates="  - accuracy >= 89.7%")
    for name in ("golden/cases.csv", "new.csv", "old.csv"):
        lines = (product / name).read_text(encoding="utf-8").splitlines()
        (product / name).write_text("\n".join(lines[:1] + lines[2:]) + "\n", encoding="utf-8")
    found = decided(ship, product)
    assert found["gates"][0]["status"] == "not_proven"
    assert any("not all there" in note for note in found["evidence"]["notes"])
    verified(ship, product)


def test_every_kind_of_gate_can_be_looked_at_again(ship, tmp_path):
    product = tmp_path / "p"
    gates = (
        "  - f1 >= 80%\n  - delta(accuracy, live) > 0\n  - negative_flips(live) <= 10%\n"
        "  - accuracy[language = de] >= accuracy[language = en] - 20pt\n"
        "  - ratio(accuracy, language) <= 1.5\n  - failures <= 10"
    )
    grow(product, 200, gates=gates)
    first = decided(ship, product)["gates"]
    grow(product, 400, gates=gates)
    second = decided(ship, product)["gates"]
    for before, after in zip(first, second, strict=True):
        if after["evidence"]["metric"] == "failures":
            assert (after["tried_again"], after["risk_in_all"]) == ("", None)
            assert not after["evidence"]["over_looks"]
            continue
        assert (before["earlier_looks"], after["earlier_looks"]) == (0, 1), after["evidence"]["rule"]
        assert after["evidence"]["over_looks"]
        assert after["evidence"]["confidence"] == 0.95
        low, high = after["evidence"]["lower"], after["evidence"]["upper"]
        assert low <= after["evidence"]["estimate"]["value"] <= high
    verified(ship, product)


def test_a_function_run_again_is_the_same_candidate_and_a_changed_one_another(ship, tmp_path):
    product = function_product(tmp_path / "p", "def answer(text):\n    return text\n")
    ship("run", "--product", product)
    assert gate_of(ship, product)["earlier_looks"] == 0
    lines = [f'{{"case_id": "c{i}", "input": "{i}", "label": "{i}"}}' for i in range(30)]
    (product / "golden.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ship("run", "--product", product)
    gate = gate_of(ship, product)
    assert (gate["earlier_looks"], gate["candidates_tried"]) == (1, 1)
    (product / "bot.py").write_text("def answer(text):\n    return text + '!'\n", encoding="utf-8")
    ship("run", "--product", product)
    gate = gate_of(ship, product)
    assert (gate["earlier_looks"], gate["candidates_tried"]) == (0, 2)


# -- planned otherwise ---------------------------------------------------------------------------------------


def test_who_plans_many_looks_gets_a_sequence_from_the_first_one_and_keeps_the_stated_risk(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100, looks="many")
    first = gate_of(ship, product)
    assert first["evidence"]["lower"] == pytest.approx(sequence_lower(95, 100, HORIZON * 100))
    assert "at most 5%" in first["tried_again"]
    grow(product, 600, looks="many")
    second = gate_of(ship, product)
    assert second["evidence"]["lower"] == pytest.approx(sequence_lower(570, 600, HORIZON * 100))
    assert second["risk_in_all"] == pytest.approx(0.05)
    verified(ship, product)


def test_who_asks_for_fresh_cases_is_judged_on_the_new_ones_alone(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100, looks="fresh")
    assert gate_of(ship, product)["evidence"]["estimate"]["n"] == 100
    grow(product, 700, looks="fresh")
    found = decided(ship, product)
    gate = found["gates"][0]
    assert gate["evidence"]["estimate"]["n"] == 600
    assert gate["evidence"]["lower"] == pytest.approx(lower_bound(570, 600))
    assert (gate["status"], gate["earlier_looks"]) == ("met", 1)
    assert gate["risk_in_all"] == pytest.approx(1 - 0.95**2)
    assert "only cases that no earlier one had seen; 2 looks together risk up to 9.8%" in gate["tried_again"]
    assert any("600 of 700 cases that no earlier look" in note for note in found["evidence"]["notes"])
    assert found["evidence"]["subject"]["denominator"]["planned"] == 600
    verified(ship, product)


def test_without_fresh_cases_a_decision_on_fresh_cases_is_invalid(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100, looks="fresh")
    ship("decide", "--product", product)
    # The same cases with other labels: other evidence, and nothing fresh in it.
    golden = product / "golden/cases.csv"
    golden.write_text(golden.read_text(encoding="utf-8").replace("c1,yes", "c1,no"), encoding="utf-8")
    said = ship("decide", "--product", product)
    assert said.code == 3
    assert "have seen every case" in said.flat
    verified(ship, product)


def test_fresh_cases_cannot_be_told_once_the_earlier_run_is_gone(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100, looks="fresh")
    function = function_product(
        tmp_path / "f", "def answer(text):\n    return text\n", golden=", looks: fresh"
    )
    ship("run", "--product", function)
    ship("decide", "--product", function)
    lines = [f'{{"case_id": "c{i}", "input": "{i}", "label": "{i}"}}' for i in range(30)]
    (function / "golden.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.rmtree(function / ".shipworthy" / "runs")
    ship("run", "--product", function)
    refused(ship("decide", "--product", function), 3, "is gone", "looks: once")


def test_a_way_of_looking_that_does_not_exist_is_refused(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100, looks="twice")
    refused(ship("decide", "--product", product), 2, "looks", "once", "many", "fresh")


# -- many candidates -----------------------------------------------------------------------------------------


def test_ten_candidates_are_counted_and_the_chance_that_one_passes_by_luck_is_said(ship, tmp_path):
    product = tmp_path / "p"
    grow(product, 100)
    new = product / "new.csv"
    text = new.read_text(encoding="utf-8")
    for number in range(10):
        case = f"c{2 * number + 1}"
        new.write_text(text.replace(f"{case},yes", f"{case},no"), encoding="utf-8")
        found = gate_of(ship, product)
        assert (found["earlier_looks"], found["candidates_tried"]) == (0, number + 1)
    # 1 - 0.95^10 = 40.1%.
    assert found["risk_in_all"] == pytest.approx(0.4013, abs=5e-5)
    assert "10 candidates were tried" in found["tried_again"]
    assert "up to 40.1%" in found["tried_again"]
    assert "10 candidates were tried" in ship("decide", "--product", product).flat
    verified(ship, product)


# -- the confirmation set ------------------------------------------------------------------------------------


def with_confirmation(
    product: Path, n: int = 300, *, ids: str = "k", every: int = 20, spec: str = ""
) -> Path:
    """Give a product a confirmation set with answers of the candidate, one of `every` wrong."""
    cases = [(f"{ids}{i}", "yes" if i % 2 else "no") for i in range(n)]
    flipped = {"yes": "no", "no": "yes"}
    golden = "\n".join(["case_id,label,language", *(f"{c},{y},en" for c, y in cases)])
    answers = [f"{c},{flipped[y] if i % every == 0 else y}" for i, (c, y) in enumerate(cases)]
    (product / "golden/confirm.csv").write_text(golden + "\n", encoding="utf-8")
    (product / "new_confirm.csv").write_text(
        "\n".join(["case_id,prediction", *answers]) + "\n", encoding="utf-8"
    )
    file = product / "shipworthy.yaml"
    text = file.read_text(encoding="utf-8")
    wanted = spec or "{path: golden/confirm.csv, recorded: {candidate: new_confirm.csv}}"
    if "confirm:" not in text:
        file.write_text(text.replace("positive: yes", f"positive: yes, confirm: {wanted}"), encoding="utf-8")
    return product


def test_a_candidate_chosen_among_many_is_confirmed_on_a_set_where_it_is_the_first(ship, tmp_path):
    product = with_confirmation(recorded(tmp_path / "p", gates="  - accuracy >= 90%"))
    new = product / "new.csv"
    for case in ("c1", "c3", "c5"):
        new.write_text(new.read_text(encoding="utf-8").replace(f"{case},yes", f"{case},no"), encoding="utf-8")
        gate = gate_of(ship, product)
    assert gate["candidates_tried"] == 3
    found = decided(ship, product, "--confirm")
    gate = found["gates"][0]
    assert (gate["candidates_tried"], gate["earlier_looks"], gate["status"]) == (1, 0, "met")
    assert gate["evidence"]["lower"] == pytest.approx(lower_bound(285, 300))
    assert found["evidence"]["confirmation"] == "golden/confirm.csv"
    assert "This is the confirmation set." in found["headline"]
    assert "used before" not in found["headline"]
    # Live has no answers there, so nothing is compared.
    assert any("live: old.csv has no answer" in note for note in found["evidence"]["notes"])
    verified(ship, product)
    # Using it on the same evidence again changes nothing, and the golden set's counts stay as they were.
    assert decided(ship, product, "--confirm")["is_new"] is False
    assert gate_of(ship, product)["candidates_tried"] == 3


def test_using_the_confirmation_set_twice_is_said_on_the_second_decision(ship, tmp_path):
    product = with_confirmation(recorded(tmp_path / "p", gates="  - accuracy >= 90%"))
    first = decided(ship, product, "--confirm")
    with_confirmation(product, every=25)
    said = ship("decide", "--product", product, "--confirm")
    assert "It was used before, by 1 decision on other evidence" in said.flat
    assert first["id"] in said.flat
    assert "2 candidates were tried" in said.flat
    verified(ship, product)
    # The same candidate on more cases of it is a second look.
    with_confirmation(product, 600, every=25)
    third = decided(ship, product, "--confirm")
    assert "used before, by 2 decisions" in third["headline"]
    gate = third["gates"][0]
    assert (gate["earlier_looks"], gate["candidates_tried"], gate["evidence"]["over_looks"]) == (1, 2, True)
    # Two candidates, each at most 6% over its looks.
    assert gate["risk_in_all"] == pytest.approx(1 - 0.94**2)
    verified(ship, product)


def test_a_function_is_run_over_the_confirmation_set_first(ship, tmp_path):
    product = function_product(
        tmp_path / "p", "def answer(text):\n    return text\n", golden=", confirm: confirm.jsonl"
    )
    lines = [f'{{"case_id": "k{i}", "input": "{i}", "label": "{i}"}}' for i in range(25)]
    (product / "confirm.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ship("run", "--product", product)
    refused(
        ship("decide", "--product", product, "--confirm"),
        2,
        "on the confirmation set",
        "run candidate --confirm",
    )
    said = ship("run", "--product", product, "--confirm")
    assert "25 planned" in said.flat
    assert "decide --confirm" in said.flat
    assert decided(ship, product, "--confirm")["evidence"]["subject"]["cases"] == 25
    verified(ship, product)
    # The golden set's own run is found again beside it.
    assert decided(ship, product)["evidence"]["subject"]["cases"] == 20


def test_answers_to_both_sets_may_lie_in_one_file(ship, tmp_path):
    product = with_confirmation(recorded(tmp_path / "p"), spec="golden/confirm.csv")
    extra = (product / "new_confirm.csv").read_text(encoding="utf-8").split("\n", 1)[1]
    with (product / "new.csv").open("a", encoding="utf-8") as file:
        file.write(extra)
    assert decided(ship, product, "--confirm")["evidence"]["subject"]["cases"] == 300


@pytest.mark.parametrize(
    ("spec", "needles"),
    [
        ("golden/none.csv", ["none.csv"]),
        ("golden/cases.csv", ["the golden set itself", "shipworthy.yaml"]),
        ("{path: golden/confirm.csv, recorded: {candidat: new_confirm.csv}}", ["candidat", "candidate"]),
        ("{path: golden/confirm.csv, sampled: somehow}", ["somehow"]),
        ("{file: golden/confirm.csv}", ["confirm"]),
        ("golden/confirm.csv", ["has no answer to any case of the confirmation set", "recorded: {candidate"]),
    ],
)
def test_a_wrong_confirmation_set_is_refused_with_what_to_do(ship, tmp_path, spec, needles):
    product = with_confirmation(recorded(tmp_path / "p"), spec=spec)
    refused(ship("decide", "--product", product, "--confirm"), 2, *needles)


def test_a_confirmation_set_that_shares_cases_is_refused_with_some_of_their_names(ship, tmp_path):
    product = with_confirmation(recorded(tmp_path / "p"), ids="c")
    refused(ship("decide", "--product", product, "--confirm"), 2, "shares 100 cases", "c0", "c1")


def test_to_confirm_without_a_confirmation_set_is_refused(ship, tmp_path):
    product = recorded(tmp_path / "p")
    for command in ("decide", "run"):
        refused(ship(command, "--product", product, "--confirm"), 2, "no confirmation set", "confirm: FILE")
