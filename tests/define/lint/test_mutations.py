"""Every rule wakes for an edit of its own, and for that edit no other rule wakes."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from shipworthy.define.lint.rule import RULES
from shipworthy.define.spec import Spec

from . import mutations
from .mutating import FACTS, Mutation, codes_woken, linted

MUTATIONS: list[Mutation] = [
    mutation
    for module in pkgutil.iter_modules(mutations.__path__)
    for mutation in import_module(f"{mutations.__name__}.{module.name}").MUTATIONS
]


@pytest.mark.parametrize("base", sorted(FACTS))
def test_a_complete_spec_has_no_error(base: str) -> None:
    assert [(found.code, found.what) for found in linted(base).of("error")] == []


@pytest.mark.parametrize("base", sorted(FACTS))
def test_a_complete_spec_leaves_no_rule_unasked(base: str) -> None:
    assert linted(base).not_looked_at == ()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_an_edit_wakes_exactly_its_rule(mutation: Mutation) -> None:
    woken = codes_woken(mutation)
    assert list(woken) == [mutation.code], woken
    assert any(
        mutation.says in found.what and mutation.id in ("", found.id) for found in woken[mutation.code]
    )


@pytest.mark.parametrize("code", RULES.names())
def test_every_rule_has_an_edit_that_wakes_it(code: str) -> None:
    assert code in {mutation.code for mutation in MUTATIONS}


@pytest.mark.parametrize("code", RULES.names())
def test_every_rule_explains_itself_in_three_paragraphs(code: str) -> None:
    rule = RULES.get(code)
    paragraphs = rule.explanation.split("\n\n")
    assert len(paragraphs) >= 3
    assert all(one.rstrip().endswith(".") for one in paragraphs[:2])
    assert ". " not in rule.title
    assert ". " not in rule.why


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_finding_points_into_the_spec_and_says_what_it_saw(mutation: Mutation) -> None:
    for found in (one for some in codes_woken(mutation).values() for one in some):
        assert found.key.split(".")[0] in Spec.model_fields
        assert len(found.what) > 15
        assert "\n" not in found.what
