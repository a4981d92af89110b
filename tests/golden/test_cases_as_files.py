"""Cases that are files: they must exist, their content is part of the version, pictures are shown safely."""

from __future__ import annotations

import os
import re
import struct
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipworthy.api.product import Product, open_product
from shipworthy.cli.main import cli
from shipworthy.decide.record.html import render_html
from shipworthy.decide.record.markdown import render_markdown
from shipworthy.define.reading import read_spec
from shipworthy.errors import InputError
from shipworthy.golden.entering import open_golden
from shipworthy.golden.files import PICTURE_BYTES, picture, pictures
from shipworthy.tables.duck import connect


def png(shade: int) -> bytes:
    """Return a real picture of one grey pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes([0, shade])))
        + chunk(b"IEND", b"")
    )


SPEC = """shipworthy: 1
id: lids
kind: detector
decision: {prediction: lid is loose, action: [eject], actor: line}
golden:
  path: golden/lids.csv
  sampled: random
  positive: loose
  columns: {case_id: id, input_file: image}
systems:
  candidate: {recorded: new.csv}
  live: {recorded: old.csv}
gates:
  - recall >= 50%
"""


@pytest.fixture
def product(tmp_path: Path) -> Path:
    folder = tmp_path / "lids"
    (folder / "golden" / "images").mkdir(parents=True)
    (folder / "shipworthy.yaml").write_text(SPEC, "utf-8")
    rows, new, old = ["id,image,label"], ["id,prediction"], ["id,prediction"]
    for number in range(20):
        (folder / "golden" / "images" / f"{number}.png").write_bytes(png(number))
        label = "loose" if number % 2 else "fine"
        rows.append(f"c{number},images/{number}.png,{label}")
        new.append(f"c{number},{'fine' if number == 3 else label}")
        old.append(f"c{number},{label}")
    (folder / "golden" / "lids.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (folder / "new.csv").write_text("\n".join(new) + "\n", "utf-8")
    (folder / "old.csv").write_text("\n".join(old) + "\n", "utf-8")
    return folder


def version_of(folder: Path) -> str:
    file = read_spec(folder)
    return open_golden(connect(), file.spec.golden, file.folder).version


def judged(folder: Path) -> Product:
    found = open_product(folder)
    for name in found.spec.systems.named():
        found.run(name)
    return found


def test_a_changed_image_is_another_golden_set_and_a_touched_one_is_not(product: Path) -> None:
    before = version_of(product)
    image = product / "golden" / "images" / "7.png"
    os.utime(image, (1, 1))
    assert version_of(product) == before
    image.write_bytes(png(200))
    assert version_of(product) != before
    image.write_bytes(png(7))
    assert version_of(product) == before


def test_a_file_that_no_case_names_does_not_matter(product: Path) -> None:
    before = version_of(product)
    (product / "golden" / "images" / "other.png").write_bytes(png(99))
    assert version_of(product) == before


def test_missing_files_are_counted_and_the_first_are_named(product: Path) -> None:
    for number in (3, 5, 7, 9):
        (product / "golden" / "images" / f"{number}.png").unlink()
    with pytest.raises(InputError) as caught:
        version_of(product)
    error = caught.value
    assert error.what == (
        "4 of 20 input files do not exist: 'images/3.png', 'images/5.png', 'images/7.png' and 1 more."
    )
    assert error.where.endswith("lids.csv")
    assert str(product / "golden") in error.fix
    refused = CliRunner().invoke(cli, ["run", "--product", str(product)])
    assert "input files do not exist" in str(refused.exception)


def test_a_folder_is_no_file_and_a_url_is_none(product: Path) -> None:
    lids = product / "golden" / "lids.csv"
    whole = lids.read_text("utf-8")
    lids.write_text(whole.replace("images/4.png", "images"), "utf-8")
    with pytest.raises(InputError, match="1 of 20 input files do not exist: 'images'"):
        version_of(product)
    lids.write_text(whole.replace("images/4.png", "https://example.org/4.png"), "utf-8")
    with pytest.raises(InputError, match=r"1 of 20 input files are URLs.*\n.*fetch them"):
        version_of(product)


def test_a_case_may_have_no_file(product: Path) -> None:
    lids = product / "golden" / "lids.csv"
    lids.write_text(lids.read_text("utf-8").replace("images/4.png", ""), "utf-8")
    file = read_spec(product)
    golden = open_golden(connect(), file.spec.golden, file.folder)
    assert golden.input_files() is not None
    assert version_of(product) == golden.version


def test_a_function_is_asked_with_the_path(product: Path) -> None:
    (product / "new.py").write_text(
        "from pathlib import Path\n\n\ndef answer(image):\n"
        "    shade = Path(image).read_bytes()\n"
        "    return 'loose' if int(Path(image).stem) % 2 and shade[:4] == b'\\x89PNG' else 'fine'\n",
        "utf-8",
    )
    spec = product / "shipworthy.yaml"
    spec.write_text(SPEC.replace("recorded: new.csv", 'function: "new:answer"'), "utf-8")
    decided = judged(product).decide()
    [gate] = decided.decision.gates
    assert gate.evidence.estimate.value == 1
    assert decided.decision.evidence.subject.denominator.failed == 0


def test_a_question_about_a_picture_comes_with_its_path(product: Path) -> None:
    lids = product / "golden" / "lids.csv"
    lines = lids.read_text("utf-8").splitlines()
    asked = [f"{lines[0]},question", *(f"{line},Is it loose?" for line in lines[1:])]
    lids.write_text("\n".join(asked) + "\n", "utf-8")
    file = read_spec(product)
    connection = connect()
    first = next(open_golden(connection, file.spec.golden, file.folder).cases(connection))
    assert first.input == {
        "input": "Is it loose?",
        "input_file": str(product / "golden" / "images" / "0.png"),
    }


def test_the_record_shows_the_pictures_of_listed_cases(product: Path, tmp_path: Path) -> None:
    judged(product)
    page = tmp_path / "record.html"
    CliRunner().invoke(cli, ["decide", "--product", str(product), "--html", str(page)])
    text = page.read_text("utf-8")
    uri = picture(png(3))
    assert uri is not None
    assert f'<img class="picture" src="{uri}"' in text
    assert "images/3.png" in text
    assert "img-src data:" in text
    again = tmp_path / "again.html"
    CliRunner().invoke(cli, ["report", "--product", str(product), "--html", str(again)])
    assert uri in again.read_text("utf-8")


def test_without_pictures_the_record_names_the_files(product: Path) -> None:
    decision = judged(product).decide().decision
    assert decision.evidence.listed_files() == ("images/3.png",)
    assert [case.input_file for case in decision.evidence.comparisons[0].newly_failing] == ["images/3.png"]
    text = render_html(decision)
    assert "<img" not in text
    assert "images/3.png" in text
    assert "images/3.png" in render_markdown(decision)


def test_a_decision_holds_when_a_picture_changes_and_the_next_is_about_another_set(product: Path) -> None:
    first = judged(product).decide().decision
    same = open_product(product).verify()
    assert (same.holds, same.changed_since) == (True, ())
    (product / "golden" / "images" / "3.png").write_bytes(png(250))
    moved = open_product(product).verify()
    assert (moved.holds, moved.changed_since) == (True, ("The golden set was changed after this decision.",))
    later = open_product(product).decide().decision
    assert later.evidence.subject.golden_version != first.evidence.subject.golden_version
    assert later.evidence.subject.golden_version == version_of(product)


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script></html>",
        b"%PDF-1.7",
        b"",
        b"RIFF0000WAVE",
    ],
)
def test_what_is_no_picture_is_never_shown_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert pictures(["a.png"], tmp_path) == {}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(1), "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"RIFF\x04\0\0\0WEBPVP8 ", "webp"),
    ],
)
def test_a_picture_is_known_by_how_it_begins(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a.svg").write_bytes(content)
    assert re.match(rf"data:image/{kind};base64,", pictures(["a.svg"], tmp_path)["a.svg"])


def test_large_files_and_files_elsewhere_are_named_only(tmp_path: Path) -> None:
    home = tmp_path / "golden"
    home.mkdir()
    (home / "large.png").write_bytes(png(1) + bytes(PICTURE_BYTES))
    (tmp_path / "private.png").write_bytes(png(1))
    (home / "link.png").symlink_to(tmp_path / "private.png")
    (home / "loop.png").symlink_to(home / "loop.png")
    (home / "fine.png").write_bytes(png(1))
    names = [
        "large.png",
        "../private.png",
        str(tmp_path / "private.png"),
        "link.png",
        "loop.png",
        "gone.png",
        "a\0b",
        "fine.png",
    ]
    assert list(pictures(names, home)) == ["fine.png"]
