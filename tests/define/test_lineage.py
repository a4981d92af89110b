"""The lineage joins what the spec says, names what leads nowhere, and answers what depends on what."""

from __future__ import annotations

import json

import jsonschema
import pytest

from define.documents.telling import example, made
from shipworthy.define.documents.lineage_picture import lineage_svg
from shipworthy.define.lineage import impact_of, lineage_of, open_lineage
from shipworthy.define.spec import Spec
from shipworthy.errors import UsageError

SOURCES = [{"id": "bureau", "owner": "dana", "version": "dvc:1"}, {"id": "mail", "owner": "eli"}]
WAY = [
    {"id": "income", "kind": "feature", "from": "bureau", "owner": "dana"},
    {"id": "tone", "kind": "feature", "from": "mail"},
    {"id": "rows", "kind": "training_set", "from": ["income", "repaid"]},
    {"id": "model", "kind": "model", "from": "rows", "owner": "mo"},
    {"id": "approval", "kind": "decision", "from": "model", "owner": "paula"},
    {"id": "repaid", "kind": "label", "from": "approval"},
]


def spec(lineage: list[dict[str, object]] = WAY, **more: object) -> Spec:
    base = {"data": {"sources": SOURCES, "lineage": lineage}, **more}
    return made(**base).spec


def test_what_depends_on_a_source_is_named_with_features_models_gates_and_owners() -> None:
    promise = spec(metrics=["accuracy", {"id": "money", "layer": "online"}])
    found = impact_of(promise, lineage_of(promise), "bureau")
    assert [node.id for node in found.nodes] == ["income", "rows", "model", "approval", "repaid"]
    assert [node.id for node in found.of_kind("model")] == ["model"]
    assert found.gates == ("g",)
    assert found.metrics == ("accuracy", "money")
    assert found.owners == ("dana", "mo", "paula")


def test_the_monitors_of_what_a_source_touches_are_named() -> None:
    def watch(name: str, series: str, on: str | None = None) -> dict[str, object]:
        return {"id": name, "series": series, "rule": "> 1", "do": "page", "owner": "ana", "on": on}

    promise = spec(
        metrics=[{"id": "money", "layer": "online", "proxy": "early_money"}],
        failure_modes=[{"id": "miss", "gate": "g", "monitor": "guards"}],
        monitors=[
            watch("metric", "money"), watch("proxy", "early_money"), watch("gate", "accuracy"),
            watch("guards", "calls"), watch("slice", "psi", "income = low"), watch("other", "weather"),
        ],
    )  # fmt: skip
    found = impact_of(promise, lineage_of(promise), "bureau")
    assert found.monitors == ("metric", "proxy", "gate", "guards", "slice")
    assert impact_of(promise, lineage_of(promise), "mail").monitors == ()


def test_a_source_that_no_model_is_made_from_touches_no_gate() -> None:
    promise = spec()
    found = impact_of(promise, lineage_of(promise), "mail")
    assert [node.id for node in found.nodes] == ["tone"]
    assert found.gates == ()


def test_a_gate_on_a_slice_rests_on_the_feature_of_that_name() -> None:
    promise = spec(
        gates=[
            {"id": "cut", "rule": "accuracy[tone = warm] >= 50%"},
            {"id": "whole", "rule": "accuracy >= 50%"},
        ]
    )
    assert impact_of(promise, lineage_of(promise), "mail").gates == ("cut",)


def test_a_reference_that_leads_nowhere_names_what_rests_on_it_and_what_was_meant() -> None:
    promise = spec([{"id": "income", "kind": "feature", "from": "buro"}, *WAY[2:]])
    (broken,) = lineage_of(promise).broken
    assert (broken.of, broken.missing, broken.affected) == ("income", "buro", ("g",))
    assert "bureau" in broken.hint
    picture = lineage_svg(lineage_of(promise))
    assert 'class="node broken"' in picture
    assert "declared nowhere" in picture


def test_the_loop_is_found_and_drawn_back() -> None:
    lineage = lineage_of(spec())
    assert lineage.cycles == (("repaid", "rows"),)
    assert lineage_svg(lineage).count('class="edge back"') == 1


@pytest.mark.parametrize("entries", [
    [{"id": "a", "kind": "feature", "from": "a"}],
    [{"id": "a", "kind": "feature", "from": "b"}, {"id": "b", "kind": "feature", "from": "a"}],
])  # fmt: skip
def test_things_made_from_each_other_end(entries: list[dict[str, object]]) -> None:
    promise = spec(entries)
    lineage = lineage_of(promise)
    assert lineage.cycles
    assert impact_of(promise, lineage, "a").of.id == "a"
    assert lineage_svg(lineage)


def test_models_decision_feedback_and_label_follow_from_the_spec_where_no_lineage_says_them() -> None:
    promise = spec(
        [],
        systems={"candidate": {"model": "m:2", "type": "gbdt"}, "live": {"type": "rule"}},
        learning={"feedback": [{"from": "thumbs", "to": "queue"}, {"from": "thumbs", "to": "training"}]},
        owners={"ml": "mo", "product": "paula"},
    )
    lineage = lineage_of(promise)
    assert {name: node.kind for name, node in lineage.nodes.items()} == {
        "bureau": "source", "mail": "source", "candidate": "model", "live": "model",
        "decision": "decision", "thumbs": "feedback", "thumbs (2)": "feedback",
    }  # fmt: skip
    assert lineage.nodes["candidate"].made_from == ("bureau", "mail")
    assert lineage.nodes["decision"].owner == "paula"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    promise = spec()
    with pytest.raises(UsageError, match="bureau"):
        impact_of(promise, lineage_of(promise), "bureu")


def test_the_picture_is_the_same_every_time_and_hides_nothing_hostile() -> None:
    entries = [{"id": "<script>x</script>", "kind": "feature", "from": "bureau", "owner": '"><img>'}]
    lineage = lineage_of(spec(entries))
    assert lineage_svg(lineage) == lineage_svg(lineage)
    assert "<script" not in lineage_svg(lineage)
    assert "<img" not in lineage_svg(lineage)


#: As far as the published schema 2-0-2 speaks of events without runs.
EVENT = {
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL"],
    "properties": {"eventTime": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}, "run": False},
    "oneOf": [{"required": ["dataset"]}, {"required": ["job"]}],
    "$defs": {"named": {"type": "object", "required": ["namespace", "name"]}},
}


def test_the_openlineage_export_has_a_dataset_per_node_and_a_job_per_thing_made() -> None:
    events = open_lineage(lineage_of(spec()), at="2026-01-01T00:00:00Z")
    for event in events:
        jsonschema.validate(json.loads(json.dumps(event)), EVENT)
    datasets = {e["dataset"]["name"]: e["dataset"] for e in events if "dataset" in e}
    jobs = {e["job"]["name"]: e for e in events if "job" in e}
    assert set(datasets) == {"bureau", "mail", *(entry["id"] for entry in WAY)}
    assert datasets["bureau"]["facets"]["ownership"]["owners"] == [{"name": "dana", "type": "OWNER"}]
    assert datasets["bureau"]["facets"]["version"]["datasetVersion"] == "dvc:1"
    assert datasets["model"]["facets"]["datasetType"]["datasetType"] == "MODEL"
    made_rows = jobs["make rows"]
    assert [entry["name"] for entry in made_rows["inputs"]] == ["income", "repaid"]
    assert [entry["name"] for entry in made_rows["outputs"]] == ["rows"]
    for facets in (datasets["bureau"]["facets"], made_rows["job"]["facets"]):
        assert all({"_producer", "_schemaURL"} <= set(facet) for facet in facets.values())


def test_the_published_examples_have_a_whole_lineage() -> None:
    for name in ("loan", "support"):
        assert lineage_of(example(name).spec).broken == ()
