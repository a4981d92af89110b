"""`import shipworthy as sw`: what is public, that it is light, and that it says what the command line says."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import subprocess
import sys

import pytest

import shipworthy as sw
from cli.shipping import recorded

HEAVY = ("numpy", "scipy", "duckdb", "pydantic", "jinja2", "vl_convert", "rich", "asyncio", "click", "ruamel")


def test_the_public_names_are_sorted_and_all_there():
    assert sorted(sw.__all__) == list(sw.__all__)
    assert len(set(sw.__all__)) == len(sw.__all__)
    for name in sw.__all__:
        assert getattr(sw, name) is not None
    assert set(sw.__all__) <= set(dir(sw))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        sw.nonsense  # noqa: B018


def test_importing_it_imports_nothing_heavy():
    code = f"import sys, shipworthy; print(sorted({{n.partition('.')[0] for n in sys.modules}} & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_check_in_python_says_what_the_command_says(ship, tmp_path):
    file = tmp_path / "g.csv"
    file.write_text("id,grade\n" + "".join(f"{i},good\n" for i in range(100)), encoding="utf-8")
    checked = sw.check(file, "good >= 80%")
    assert checked.decision.verdict is sw.Verdict.ship
    said = ship("check", file, "good >= 80%", "--json").json
    assert said["gates"][0]["sentence"] == checked.decision.gates[0].sentence
    assert said["spec"] == checked.spec_text


def test_a_product_in_python_does_what_the_commands_do(tmp_path):
    product = sw.open_product(recorded(tmp_path / "p"))
    pins, was_there = product.run()
    assert (pins.system, was_there) == ("candidate", False)
    decided = product.decide()
    assert decided.is_new
    assert decided.decision.verdict is sw.Verdict.ship
    assert product.compare("candidate", "live").shared == 100
    assert product.verify().holds
    assert product.decision(decided.id[:6]).id == decided.id
    assert decided.id in sw.render_html(decided.decision, decision_id=decided.id)
    assert sw.render_markdown(decided.decision, decision_id=decided.id)
    assert sw.render_junit(decided.decision)


def test_every_refusal_is_one_kind_of_error(tmp_path):
    with pytest.raises(sw.ShipworthyError, match="→"):
        sw.open_product(tmp_path)
    with pytest.raises(sw.ShipworthyError, match="→"):
        sw.check(tmp_path / "none.csv", "good >= 80%")
    with pytest.raises(sw.ShipworthyError, match="→"):
        sw.write_product(tmp_path, "nonsense")
