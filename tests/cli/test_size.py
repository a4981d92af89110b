"""How many cases: for a rule alone, for a spec before there is any system, and after a decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.shipping import recorded, refused, snapshot


def sized(ship, *words):
    """Return the gates of a size by id."""
    said = ship("size", *words, "--json")
    assert said.code == 0, said.err
    return {gate["gate_id"]: gate for gate in said.json["gates"]}


def spec_without_systems(folder: Path, gates: str, more: str = "") -> Path:
    product = recorded(folder, gates=gates, more=more)
    text = (product / "shipworthy.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("systems", "  candidate", "  live"))]
    (product / "shipworthy.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return product


# spec_and_lint.md, last paragraph.
def test_a_rule_alone_is_sized(ship):
    gate = sized(ship, "accuracy >= 0.80", "--expect", "0.83", "-n", 500)["rule"]
    assert (gate["needed"], gate["flawless"]) == (416, 14)
    assert (gate["at_expected"]["even"], gate["at_expected"]["likely"]) == (517, 1107)
    assert (gate["even_further"], gate["likely_further"]) == (17, 607)
    said = ship("size", "accuracy >= 0.80", "--expect", "83%", "-n", 500)
    assert said.code == 0
    assert "at least 416 of 500 (83.2%)" in said.flat
    assert "517 cases for an even chance and 1,107 for an 80% chance" in said.flat


def test_a_rule_without_an_expected_truth_shows_several(ship):
    said = ship("size", "harmful <= 1%", "-n", 200)
    assert said.code == 0
    assert "200 cases cannot prove it" in said.flat
    assert "It takes 299 such cases" in said.flat
    assert "if the truth is" in said.flat


@pytest.mark.parametrize("truth", ["0.8", "0.7", "70%"])
def test_a_truth_on_the_wrong_side_of_the_bar_is_refused(ship, truth):
    refused(ship("size", "good >= 80%", "--expect", truth), 2, "No number of cases", truth, "above the bar")


# methods.md A8: 45 of 50 seen is Beta(46, 6); 50 more cases are worth .002186 a case, 10,000 cases 21.86.
def test_the_worth_of_more_cases_is_that_of_the_reference(ship):
    words = ("good >= 90%", "--seen", "45/50", "--gain", 1, "--loss", 5, "--volume", 10_000)
    worth = ship("size", *words, "--label-cost", 0.4, "--json").json["worth"]
    values = {cases: value for cases, value, _cost in worth["by_cases"]}
    assert (round(values[50], 2), round(values[100], 2), round(values[400], 2)) == (21.86, 45.46, 82.40)
    assert worth["best"][0] > 50
    said = ship("size", *words, "--label-cost", 0.4)
    assert "21.86" in said.out
    assert "pays best" in said.flat
    assert "No number of further cases" in ship("size", *words, "--label-cost", 100).flat


@pytest.mark.parametrize(
    "words",
    [
        ("accuracy >= 0.80", "-n", 10**12 + 1),
        ("accuracy >= 0.80", "-n", 10**30),
        ("accuracy >= 0.80", "--seen", f"{10**12}/{10**12 + 1}"),
    ],
)
def test_more_cases_than_can_be_sized_with_are_refused(ship, words):
    refused(ship("size", *words), 2, "1e+", "more than anything can be sized with", "1,000,000,000,000 cases")


def test_as_many_cases_as_can_be_sized_with_are_sized(ship):
    assert sized(ship, "accuracy >= 0.80", "-n", 10**12)["rule"]["needed"] > 8 * 10**11


def test_a_spec_refuses_as_many_cases_too(ship, tmp_path):
    product = spec_without_systems(tmp_path, "  - accuracy >= 80%")
    refused(ship("size", product, "-n", 10**13), 2, "1e+13 cases are more than anything can be sized with")


def test_a_spec_is_sized_before_there_is_any_system(ship, tmp_path):
    product = spec_without_systems(
        tmp_path, "  - {rule: accuracy >= 80%, expect: 0.85}\n  - {rule: recall >= 50%, expect: 0.9}\n"
        '  - "accuracy[language = en] >= 70%"'
    )  # fmt: skip
    before = snapshot(product)
    said = ship("size", product, "--json")
    gates = {gate["gate_id"]: gate for gate in said.json["gates"]}
    # Of 100 cases every second label is yes, and every third language is en.
    assert [gate["cases"] for gate in gates.values()] == [100, 50, 34]
    assert gates["accuracy"]["at_expected"]["likely"] == 398
    assert gates["accuracy"]["expected"] == {"value": 0.85, "source": "the spec"}
    assert gates["accuracy_language_en"]["at_expected"] is None
    assert said.json["joint"]["gates"] == ["accuracy", "recall"]
    assert said.json["joint"]["left_out"] == ["accuracy_language_en"]
    assert snapshot(product) == before


def test_a_spec_without_a_golden_set_is_sized_too(ship, tmp_path):
    product = spec_without_systems(tmp_path, "  - {rule: accuracy >= 80%, expect: 0.85}")
    (product / "golden" / "cases.csv").unlink()
    said = ship("size", product)
    assert said.code == 0
    assert "no golden set yet" in said.flat
    assert "193 cases for an even chance and 398 for an 80% chance" in said.flat
    planned = sized(ship, product, "-n", 500)["accuracy"]
    assert (planned["cases"], planned["needed"]) == (500, 416)


def test_after_a_decision_what_was_measured_is_the_truth_expected(ship, tmp_path):
    product = recorded(
        tmp_path, gates="  - accuracy >= 93%\n  - delta(accuracy, live) > 0\n  - precision >= 90%"
    )
    assert ship("decide", "--product", product).code in (0, 1, 4)
    gates = sized(ship, product)
    # One of twenty is wrong; the candidate and live differ where one of them is wrong and the other is not.
    assert gates["accuracy"]["expected"]["value"] == 0.95
    assert gates["accuracy"]["expected"]["source"].startswith("candidate in decision ")
    assert gates["delta_accuracy_live"]["discordance"] == pytest.approx(0.15)
    assert gates["precision"]["cases"] == 55
    said = ship("size", product)
    assert "blocking gates together" in said.flat


def test_what_is_said_wins_over_the_spec_and_the_spec_over_the_decision(ship, tmp_path):
    product = recorded(tmp_path, gates="  - {rule: accuracy >= 80%, expect: 0.9}")
    assert ship("decide", "--product", product).code in (0, 1, 4)
    assert sized(ship, product)["accuracy"]["expected"]["value"] == 0.9
    assert sized(ship, product, "--expect", "accuracy=85%")["accuracy"]["expected"]["value"] == 0.85
    assert sized(ship, product, "--expect", "0.86")["accuracy"]["expected"]["value"] == 0.86


def test_a_decision_beyond_reach_is_said_and_not_refused(ship, tmp_path):
    product = recorded(tmp_path, gates="  - accuracy >= 99%")
    ship("decide", "--product", product)
    said = ship("size", product)
    assert said.code == 0
    assert "no number of cases proves it" in said.flat


def test_must_pass_lists_have_no_size(ship, tmp_path):
    product = recorded(tmp_path, gates="  - accuracy >= 80%\n  - failures <= 0")
    said = ship("size", product)
    assert "Not sized: every case of the list must pass" in said.flat


@pytest.mark.parametrize(
    ("words", "needles"),
    [
        (("--expect", "0.9"), ("2 gates", "--expect accuracy=0.9")),
        (("--expect", "acuracy=0.9"), ("'acuracy'", "accuracy")),
        (("--gate", "acuracy"), ("'acuracy'", "accuracy")),
        (("--expect", "accuracy=85"), ("share between 0 and 1", "85%")),
        (("--expect", "accuracy=much"), ("'much' is no number",)),
        (("--expect", "accuracy=recall"), ("'recall' is no number",)),
        (("--expect", "accuracy=0.5"), ("No number of cases", "above the bar")),
        (("--seen", "3/4"), ("--seen belongs to a rule",)),
    ],
)
def test_wrong_words_are_refused(ship, tmp_path, words, needles):
    product = recorded(tmp_path, gates="  - accuracy >= 80%\n  - recall >= 80%")
    refused(ship("size", product, *words), 2, *needles)


@pytest.mark.parametrize(
    ("words", "needles"),
    [
        (("acuracy >= 80%",), ("acuracy", "accuracy")),
        (("accuracy >= 80",), ("80%",)),
        (("accuracy >= 80%", "--gate", "x"), ("--gate",)),
        (("accuracy >= 80%", "--seen", "many"), ("--seen 'many'", "45/50")),
        (("accuracy >= 80%", "--seen", "9/4"), ("9 of 4",)),
        (("accuracy >= 80%", "--gain", 1), ("--gain and --loss",)),
        (("auc >= 80%", "--gain", 1, "--loss", 1), ("no plain share",)),
        (("nowhere",), ("no spec", "nowhere")),
    ],
)
def test_wrong_rules_are_refused(ship, words, needles):
    refused(ship("size", *words), 2, *needles)


@pytest.mark.parametrize("option", ["--deviation", "--design-effect", "--discordance", "--gain"])
def test_an_option_takes_no_number_that_is_not_finite(ship, option):
    said = ship("size", "mae <= 3", "--expect", 2, option, "nan")
    assert said.code == 2
    assert f"'{option}': nan is no finite number" in said.err


def test_a_mean_takes_the_deviation_of_one_case(ship):
    said = ship("size", "mean(score) >= 0.5", "--expect", 0.53, "--deviation", 0.3333, "--json")
    # Miller (2024), section 5, one-sided at 95%: (1.6449 + 0.8416)^2 * 0.3333^2 / 0.03^2 = 763.1.
    assert said.json["gates"][0]["at_expected"]["likely"] == 764


def test_a_mean_without_an_expected_truth_says_what_it_lacks(ship):
    said = ship("size", "mean(score) >= 0.5", "--deviation", 0.3)
    assert said.code == 0
    assert "nobody says what is expected" in said.flat


def test_a_share_above_one_is_not_read_as_a_percentage_it_cannot_be(ship):
    refused(ship("size", "accuracy >= 80%", "--expect", "120%"), 2, "1.2 is expected", "--expect 85%")


def test_a_stratum_without_any_case_is_sized_from_nothing(ship, tmp_path):
    (tmp_path / "cases.csv").write_text("case_id,stratum,input\na,edge,x\nb,edge,y\n")
    (tmp_path / "shipworthy.yaml").write_text(
        """\
shipworthy: 1
id: p
kind: rag
decision: {prediction: a, action: [b], actor: c}
golden: {path: cases.csv, strata: {representative: 398, edge: 2}}
gates: [{rule: good >= 80%, expect: 0.85}]
"""
    )
    said = ship("size", tmp_path)
    assert said.code == 0
    assert "193 cases for an even chance and 398 for an 80% chance (193 and 398 further)" in said.flat
