"""The chain of records: what changing, cutting or taking away a file looks like, and what an anchor adds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cli.shipping import Ship, function_product, recorded

MORE = "owners: {product: Ana, signers: {legal: Lena}}\n"


@pytest.fixture
def made(ship: Ship, tmp_path: Path) -> Path:
    """Two decisions with a signature under each."""
    folder = recorded(tmp_path / "p", more=MORE)
    for bar in ("50%", "60%"):
        spec = folder / "shipworthy.yaml"
        spec.write_text(spec.read_text("utf-8").replace(">= 50%", f">= {bar}"), "utf-8")
        assert ship("decide", "--product", folder).code == 0
        assert ship("sign", "--product", folder, "--as", "legal", "--by", "Lena <l@x>").code == 0
    return folder


def records(folder: Path) -> list[Path]:
    """Return the record files, oldest first."""
    files = [*folder.glob(".shipworthy/decisions/*.json"), *folder.glob(".shipworthy/signatures/*/*.json")]
    by_hash = {json.loads(file.read_text("utf-8"))["hash"]: file for file in files}
    after = {}
    for digest, file in by_hash.items():
        whole = json.loads(file.read_text("utf-8"))
        [*before] = (whole.get("decision") or whole["signature"])["after"]
        after[before[0] if before else ""] = digest
    found, at = [], ""
    while at in after:
        at = after[at]
        found.append(by_hash[at])
    return found


def faults(ship: Ship, folder: Path, *words: str) -> list[str]:
    said = ship("verify", "--product", folder, "--chain", "--json", *words)
    assert said.code == (3 if said.json["faults"] else 0)
    return [f"{one['what']} {one['where']}" for one in said.json["faults"]]


def test_every_record_names_the_one_before_it_and_the_chain_holds(ship, made):
    assert len(records(made)) == 4
    said = ship("verify", "--product", made)
    assert said.code == 0
    assert "the chain of 2 decisions and 2 signatures holds" in said.flat
    assert faults(ship, made) == []


@pytest.mark.parametrize("at", range(4))
def test_a_changed_record_is_found_and_named(ship, made, at):
    file = records(made)[at]
    whole = json.loads(file.read_text("utf-8"))
    part = whole.get("decision") or whole["signature"]
    part["decided_at" if "decision" in whole else "reason"] = "2001-01-01"
    file.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    [found] = faults(ship, made)
    assert file.stem in found
    assert "was changed after it was written" in found
    assert ship("verify", "--product", made).code == 3


def test_any_byte_of_the_spec_inside_a_record_is_covered(ship, made):
    file = records(made)[0]
    text = file.read_text("utf-8")
    file.write_text(text.replace("kind: classifier", "kind: classifieR"), "utf-8")
    assert file.stem in faults(ship, made)[0]


@pytest.mark.parametrize("at", range(3))
def test_a_record_taken_out_of_the_middle_is_missed_by_the_one_after_it(ship, made, at):
    file = records(made)[at]
    file.unlink()
    assert any(f"{file.stem}, which" in found and "is gone" in found for found in faults(ship, made))


def test_a_record_cut_off_is_named_once(ship, made):
    file = records(made)[2]
    file.write_bytes(file.read_bytes()[:-40])
    [found] = faults(ship, made)
    assert f"{file.stem} is cut off or damaged" in found


def test_a_file_laid_out_anew_says_the_same_and_is_noted(ship, made):
    file = records(made)[0]
    file.write_text(json.dumps(json.loads(file.read_text("utf-8"))), "utf-8")
    said = ship("verify", "--product", made, "--chain")
    assert said.code == 0
    assert "was laid out anew" in said.flat


@pytest.mark.parametrize("name", ["scores.parquet", "run.json"])
def test_a_changed_byte_of_a_run_is_found_and_named(ship, made, name):
    for file in made.glob(f".shipworthy/runs/candidate-*/{name}"):
        raw = file.read_bytes()
        file.write_bytes(
            raw.replace(b"new.csv", b"old.csv") if name == "run.json" else raw[:-9] + b"x" + raw[-8:]
        )
    found = faults(ship, made)
    assert found
    assert all("run candidate-" in one and name in one for one in found)


def test_outputs_changed_together_with_what_the_marker_says_of_them_are_found(ship, tmp_path):
    from shipworthy.store.hashes import hash_file

    folder = function_product(tmp_path / "signed_bot", "def answer(x):\n    return x\n")
    assert ship("run", "--product", folder).code == 0
    assert ship("decide", "--product", folder).code == 0
    [journal] = folder.glob(".shipworthy/runs/*/outputs.jsonl")
    marker = journal.with_name("run.json")
    before = hash_file(journal)
    journal.write_text(journal.read_text("utf-8").replace('"text": "3"', '"text": "4"'), "utf-8")
    marker.write_text(marker.read_text("utf-8").replace(before, hash_file(journal)), "utf-8")
    found = " ".join(faults(ship, folder))
    assert "The marker of run" in found
    assert "The outputs of run" in found


def test_taking_away_the_end_is_seen_only_with_an_anchor(ship, made):
    head = ship("anchor", made, "--json").json["heads"][0]
    last = records(made)[-1]
    assert head.startswith(f"sha256:{last.stem}")
    last.unlink()
    assert faults(ship, made) == []
    [found] = faults(ship, made, "--anchor", head)
    assert last.stem in found
    assert "the end of the chain was taken away" in found


def test_a_git_tag_anchors_the_head_and_verify_reads_it_by_itself(ship, made):
    for words in ("init -q", "config user.name Ana", "config user.email a@x", "add -A", "commit -qm records"):
        subprocess.run(["git", "-C", made, *words.split()], check=True)
    found = ship("anchor", made, "--git", "--json").json
    assert found["made"]
    assert "4 of them anchored" in ship("verify", "--product", made, "--chain").flat
    records(made)[-1].unlink()
    assert found["tag"] in faults(ship, made)[0]


def test_records_written_in_two_places_are_joined_by_the_next(ship, made, tmp_path):
    import shutil

    other = tmp_path / "q"
    shutil.copytree(made, other)
    for folder, who in ((made, "Max <m@x>"), (other, "Eve <e@x>")):
        ship("sign", "--product", folder, "--as", "product", "--by", who)
    shutil.copytree(other / ".shipworthy", made / ".shipworthy", dirs_exist_ok=True)
    assert len(ship("anchor", made, "--json").json["heads"]) == 2
    assert faults(ship, made) == []
    ship("sign", "--product", made, "--as", "product", "--by", "Ana <a@x>")
    assert len(ship("anchor", made, "--json").json["heads"]) == 1
    assert faults(ship, made) == []


def test_a_text_of_a_case_can_be_taken_out_of_a_record_and_it_still_holds(ship, tmp_path):
    folder = function_product(
        tmp_path / "forgetful_bot", "def answer(x):\n    return x if int(x) > 4 else 'my secret'\n"
    )
    assert ship("run", "--product", folder).code == 0
    assert ship("decide", "--product", folder).code == 0
    [file] = folder.glob(".shipworthy/decisions/*.json")
    whole = json.loads(file.read_text("utf-8"))
    assert "my secret" not in json.dumps(whole["decision"])
    refs = [ref for ref, (_salt, text) in whole["texts"].items() if text == "my secret"]
    assert refs
    whole["texts"][refs[0]][1] = "my other"
    file.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    assert "text of a case" in faults(ship, folder)[0]
    for ref in refs:
        del whole["texts"][ref]
    file.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    said = ship("verify", "--product", folder)
    assert said.code == 0, said.out
    assert "(forgotten)" in ship("report", "--product", folder, "--json").out
