"""Signatures under a decision, waivers of gates, and what stands of a decision with both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.shipping import Ship, recorded, refused

LAUNCH = """\
level: launch
owners: {product: Ana, ml: Ben, signers: {legal: Lena}}
"""
BLOCKER = "failure_modes: [{id: harm, severity: blocker, gate: bar}]\n"
LENA, MAX, ANA = "Lena Novak <lena@x.org>", "Max <max@x.org>", "Ana <ana@x.org>"


def product(folder: Path, *, bar: str = "50%", waiver: str = "", more: str = LAUNCH) -> Path:
    aside = f", waiver: {waiver}" if waiver else ""
    return recorded(folder, gates=f"  - {{id: bar, rule: accuracy >= {bar}{aside}}}", more=more)


def decided(ship: Ship, folder: Path) -> dict:
    said = ship("decide", "--product", folder, "--json")
    return {**said.json, "code": said.code}


def standing(ship: Ship, folder: Path) -> tuple[str, int]:
    said = ship("status", "--product", folder, "--json")
    return said.json["standing"]["verdict"], said.code


def sign(ship: Ship, folder: Path, *words: str):
    return ship("sign", "--product", folder, *words)


# -- signatures -----------------------------------------------------------------------------------------


def test_a_missing_required_signature_holds_and_the_signature_lets_the_same_decision_ship(ship, tmp_path):
    folder = product(tmp_path)
    first = decided(ship, folder)
    assert (first["verdict"], first["standing"]["verdict"], first["code"]) == ("ship", "hold", 1)
    file = Path(first["path"])
    before = file.read_bytes()
    assert sign(ship, folder, "--as", "legal", "--by", LENA).code == 0
    assert standing(ship, folder) == ("ship", 0)
    again = decided(ship, folder)
    assert (again["is_new"], again["id"], again["code"]) == (False, first["id"], 0)
    assert file.read_bytes() == before


def test_at_level_judge_nobody_has_to_sign(ship, tmp_path):
    folder = product(tmp_path, more=LAUNCH.replace("launch", "judge"))
    assert decided(ship, folder)["code"] == 0


def test_a_signature_binds_decision_spec_and_evidence_and_speaks_of_no_other_decision(ship, tmp_path):
    folder = product(tmp_path)
    first = decided(ship, folder)
    made = sign(ship, folder, "--as", "legal", "--by", LENA, "--json").json["signature"]
    assert made["spec"] == first["spec_hash"]
    assert made["decision"].startswith(f"sha256:{first['id']}")
    assert made["identity"] == "command line"
    spec = folder / "shipworthy.yaml"
    spec.write_text(spec.read_text("utf-8").replace(">= 50%", ">= 60%"), "utf-8")
    assert decided(ship, folder)["standing"]["verdict"] == "hold"


@pytest.mark.parametrize("more", ["regulated: lending\n", BLOCKER])
def test_the_product_owner_cannot_be_the_only_signer_where_harm_is_at_stake(ship, tmp_path, more):
    folder = product(tmp_path, more=LAUNCH + more)
    decided(ship, folder)
    said = sign(ship, folder, "--as", "legal", "--by", ANA)
    assert "Nobody but the product owner (Ana) has signed" in said.flat
    assert standing(ship, folder) == ("hold", 1)
    sign(ship, folder, "--as", "ml", "--by", "Ben <ben@x.org>")
    assert standing(ship, folder) == ("ship", 0)


def test_what_a_signer_sends_back_holds_until_they_sign(ship, tmp_path):
    folder = product(tmp_path)
    decided(ship, folder)
    sign(ship, folder, "--as", "legal", "--by", LENA)
    sign(ship, folder, "--as", "legal", "--by", LENA, "--return", "--reason", "no disclosure")
    said = ship("status", "--product", folder)
    assert said.code == 1
    assert "returned it for legal: no disclosure" in said.flat
    sign(ship, folder, "--as", "legal", "--by", LENA)
    assert standing(ship, folder) == ("ship", 0)


def test_deciding_against_takes_two_people_and_is_visible_for_ever(ship, tmp_path):
    folder = product(tmp_path, bar="99%")
    assert decided(ship, folder)["verdict"] == "hold"
    against = ("--against", "ship", "--reason", "the old one ends tomorrow")
    sign(ship, folder, *against, "--as", "legal", "--by", LENA)
    sign(ship, folder, *against, "--by", "lena@x.org")
    assert standing(ship, folder) == ("hold", 1)
    said = sign(ship, folder, *against, "--by", MAX)
    assert "decided against the recommendation (hold): ship" in said.flat
    assert standing(ship, folder) == ("ship", 0)
    for option, name in (("--html", "r.html"), ("--markdown", "r.md")):
        ship("report", "--product", folder, option, folder / name)
        assert "decided against the recommendation" in (folder / name).read_text("utf-8")
    sign(ship, folder, "--as", "product", "--by", MAX)
    found = ship("status", "--product", folder, "--json").json["standing"]
    assert found["verdict"] == "hold"
    assert len(found["against"]) == 3


@pytest.mark.parametrize(
    ("words", "needles"),
    [
        (["--as", "legl", "--by", LENA], ["'legl'", "Did you mean 'legal'"]),
        (["--by", LENA], ["role", "--as ROLE"]),
        (["--as", "legal", "--by", LENA, "--return"], ["needs a reason"]),
        (["--against", "ship", "--by", LENA, "--reason", "why not"], ["'ship' is the recommendation itself"]),
        (["--against", "sip", "--by", LENA, "--reason", "why not"], ["'sip' is no verdict"]),
        (["--as", "legal", "--by", "Lena <lena"], ["names nobody"]),
        (["--as", "legal", "--by", LENA, "--return", "--against", "hold"], ["exclude each other"]),
    ],
)
def test_a_signature_that_makes_no_sense_is_refused_and_nothing_is_written(ship, tmp_path, words, needles):
    folder = product(tmp_path)
    decided(ship, folder)
    refused(sign(ship, folder, *words), 2, *needles)
    assert not (folder / ".shipworthy" / "signatures").exists()


def test_hostile_names_and_reasons_are_escaped(ship, tmp_path):
    folder = product(tmp_path)
    decided(ship, folder)
    sign(
        ship,
        folder,
        "--as",
        "legal",
        "--by",
        "[red]\x1b[31m x",
        "--return",
        "--reason",
        "<script>alert(1)</script>",
    )
    ship("report", "--product", folder, "--html", folder / "r.html")
    assert "<script>" not in (folder / "r.html").read_text("utf-8")
    assert "\x1b[31m" not in ship("sign", "--product", folder, "--list").out


# -- waivers --------------------------------------------------------------------------------------------

GOOD = "{owner: Ben, reason: fixed in 1.2, expires: 2999-01-01}"


def test_a_waived_gate_does_not_hold_and_is_said_everywhere(ship, tmp_path):
    folder = product(tmp_path, bar="99%", waiver=GOOD, more="")
    said = ship("decide", "--product", folder, "--html", tmp_path / "r.html", "--markdown", tmp_path / "r.md",
                "--junit", tmp_path / "r.xml")  # fmt: skip
    assert said.code == 0
    for text in (said.flat, *((tmp_path / f"r.{end}").read_text("utf-8") for end in ("html", "md", "xml"))):
        assert "Waived until 2999-01-01 by Ben: fixed in 1.2" in " ".join(text.replace("\\", "").split())
    assert "No blocking gate is met: 1 is waived" in said.flat
    assert ship("verify", "--product", folder).code == 0


@pytest.mark.parametrize(
    ("waiver", "why"),
    [
        ("{owner: Ben, reason: late, expires: 2020-01-01}", "it ended on 2020-01-01"),
        ("{owner: Ben, expires: 2999-01-01}", "it has no reason"),
        ("{reason: late}", "it has no owner and no last day"),
    ],
)
def test_a_waiver_that_ended_or_says_too_little_counts_for_nothing_and_says_why(ship, tmp_path, waiver, why):
    said = ship("decide", "--product", product(tmp_path, bar="99%", waiver=waiver, more=""))
    assert said.code == 1
    assert f"Its waiver counts for nothing: {why}" in said.flat


def test_the_product_owner_alone_cannot_waive_a_gate_against_harm(ship, tmp_path):
    waiver = "{owner: OWNER, reason: late, expires: 2999-01-01}"
    more = "owners: {product: Ana, ml: Ben}\n" + BLOCKER
    for owner, code in (("Ana", 1), ("product", 1), ("ml", 0)):
        folder = product(tmp_path / owner, bar="99%", waiver=waiver.replace("OWNER", owner), more=more)
        assert ship("decide", "--product", folder).code == code


def test_an_acceptance_that_has_ended_covers_nothing_and_is_said(ship, tmp_path):
    folder = product(tmp_path, more="")
    spec = folder / "shipworthy.yaml"
    spec.write_text(spec.read_text("utf-8").replace("owner: ana", "owner: ana, expires: 2020-01-01"), "utf-8")
    said = ship("decide", "--product", folder)
    assert said.code == 1
    assert "an acceptance counts no more: a person looks (ana), ended on 2020-01-01" in said.flat


def test_a_decision_of_before_there_was_a_chain_still_verifies_though_its_spec_holds_a_waiver(ship, tmp_path):
    from shipworthy.store.hashes import hash_record, short

    folder = product(tmp_path, bar="99%", waiver="{owner: Ben, reason: late, expires: 2020-01-01}", more="")
    file = Path(decided(ship, folder)["path"])
    record = json.loads(file.read_text("utf-8"))["decision"]
    for key in ("after", "runs"):
        del record[key]
    for gate in record["gates"]:
        del gate["waiver"]
    for part in record["coverage"]:
        del part["ended"]
    record["not_judged"] = ["gates.bar.waiver"]
    record["forced_by"][0]["text"] = record["forced_by"][0]["text"].partition(" Its waiver")[0]
    digest = hash_record(record)
    file.unlink()
    old = file.with_name(f"{short(digest)}.json")
    whole = {"format": 1, "id": short(digest), "hash": digest, "decision": record}
    old.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")
    said = ship("verify", "--product", folder)
    assert said.code == 0, said.out
