"""How `shipworthy golden` says what it found: tables and sentences on the terminal, records for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shipworthy.cli.console import out
from shipworthy.decide.record import words
from shipworthy.records import plain
from shipworthy.store.hashes import short

if TYPE_CHECKING:
    from shipworthy.api.golden import GoldenShown, KnownVersion
    from shipworthy.define.sizing import GateSize
    from shipworthy.golden.adding import Addition, NewCase, Plan
    from shipworthy.golden.coverage import Coverage, TrafficPart
    from shipworthy.golden.twins import Leak, NearPair, Twins
    from shipworthy.golden.versions import GoldenDiff
    from shipworthy.tables.case_keys import SameInput

#: Lines of one list on the terminal; `--json` has more.
LISTED = 10
#: Kinds of part as people call them.
PART_WORDS = {"rest": "other columns"}


def _text(text: str, style: str = "") -> Text:
    return Text(words.visible(text), style=style)


def _cell(text: object, longest: int = 40) -> str:
    # A table cell is a Text, so that brackets in it are no markup.
    return words.cut(words.visible(str(text)).replace("\n", " "), longest)


def _section(title: str, *body: RenderableType) -> Group:
    return Group(_text(f" {title}", "bold"), Padding(Group(*body), (0, 0, 1, 3)))


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title, justify in columns:
        table.add_column(title, justify="right" if justify == "right" else "left")
    return table


def _row(table: Table, *cells: object, style: str = "") -> None:
    table.add_row(*(Text(_cell(cell, 60), style=style) for cell in cells))


def _more(count: int, shown: int, where: str = "with --json") -> list[Text]:
    return [_text(f"… and {count - shown:,} more {where}.", "dim")] if count > shown else []


def _share(part: int, whole: int) -> str:
    return words.number(part / whole, "share") if whole else ""


def _print(title: str, sections: Iterable[RenderableType]) -> None:
    console = out()
    console.print()
    console.print(_text(f" {title}", "bold"))
    console.print()
    for section in sections:
        console.print(section)


# -- show ----------------------------------------------------------------------------------------------


def described(shown: GoldenShown) -> dict[str, Any]:
    """Return what a golden set holds as JSON-ready values.

    Args:
        shown: The golden set.
    """
    from shipworthy.cli.size import described as described_size

    record: dict[str, Any] = plain(replace(shown, sized=None, coverage=None))
    record["sized"] = described_size(shown.sized) if shown.sized is not None else None
    record["coverage"] = described_coverage(shown.coverage) if shown.coverage is not None else None
    for name in ("created", "refreshed"):
        day = getattr(shown, name)
        record[name] = day.isoformat() if day is not None else None
    return record


def print_shown(shown: GoldenShown) -> None:
    """Print what a golden set holds.

    Args:
        shown: The golden set.
    """
    title = f"{shown.product} · {words.plural(shown.counts.cases, 'case')}"
    _print(title, _shown_sections(shown) if shown.counts.cases else _empty_sections(shown))


def _empty_sections(shown: GoldenShown) -> list[RenderableType]:
    sections: list[RenderableType] = [Padding(Group(*_identity(shown)), (0, 0, 1, 1))]
    if shown.strata:
        sections.append(_section("Strata", _strata(shown)))
    return [*sections, *_verdicts(shown)]


def _shown_sections(shown: GoldenShown) -> list[RenderableType]:
    counts = shown.counts
    sections: list[RenderableType] = [Padding(Group(*_identity(shown)), (0, 0, 1, 1))]
    if shown.strata:
        sections.append(_section("Strata", _strata(shown)))
    sections.append(_section("How the cases were chosen", _shares(counts.sampled, counts.cases)))
    if counts.provenance:
        held = dict(counts.provenance)
        if counts.without(held):
            held["not said"] = counts.without(held)
        sections.append(_section("Where they come from", _shares(held, counts.cases)))
    else:
        note = "Not known: no column says it. Map one: golden: {columns: {provenance: ...}}."
        sections.append(_section("Where they come from", _text(note, "dim")))
    sections += _labels(shown)
    sections += _must_pass(shown)
    sections += _proofs(shown)
    sections.append(_section("Against each other and against training", *_repeats(shown)))
    sections.append(_section("Against traffic", *_covered(shown)))
    return [*sections, *_verdicts(shown)]


def _verdicts(shown: GoldenShown) -> list[RenderableType]:
    found: list[RenderableType] = []
    if shown.problems:
        found.append(_section("Wrong", *(_text(f"✗ {problem}", "red") for problem in shown.problems)))
    if shown.warnings:
        found.append(_section("To know", *(_text(f"· {warning}") for warning in shown.warnings)))
    if shown.to_do:
        found.append(_section("What to do", *(_text(f"· {step}") for step in shown.to_do)))
    return found


def _identity(shown: GoldenShown) -> list[Text]:
    lines = [_text(f"{shown.path} · version {short(shown.version)}")]
    if shown.source_version:
        lines.append(_text(f"kept as {shown.source_version}"))
    days = []
    if shown.created is not None:
        days.append(f"made on {shown.created.isoformat()}")
    if shown.refreshed is not None:
        days.append(f"looked over on {shown.refreshed.isoformat()}")
    if shown.age_days is None:
        lines.append(_text("Age not known: the spec has neither golden.created nor golden.refreshed.", "dim"))
    else:
        state = "stale" if shown.stale else "fresh"
        age = (
            f"{words.plural(shown.age_days, 'day')} old: {state} (golden.stale_after is {shown.stale_after})"
        )
        lines.append(_text(f"{', '.join(days)}; {age}", "yellow" if shown.stale else ""))
    if shown.counts.clusters is not None:
        lines.append(_text(f"{words.plural(shown.counts.clusters, 'cluster')} of cases that belong together"))
    return lines


def _strata(shown: GoldenShown) -> Table:
    table = _table(
        ("stratum", "left"), ("cases", "right"), ("asked for", "right"), ("", "left"), ("chosen", "left")
    )
    for row in shown.strata:
        asked = "not declared" if row.minimum is None else f"{row.minimum:,}"
        state = f"{row.short_by:,} short" if row.short_by else "✓" if row.minimum else ""
        chosen = ", ".join(f"{way} {n:,}" if len(row.sampled) > 1 else way for way, n in row.sampled.items())
        _row(table, row.name, f"{row.cases:,}", asked, state, chosen, style="red" if row.short_by else "")
    without = shown.counts.without(shown.counts.strata)
    if without and shown.counts.strata:
        _row(table, "none", f"{without:,}", "", "", "", style="dim")
    return table


def _shares(counts: Mapping[str, int], whole: int) -> RenderableType:
    table = _table(("", "left"), ("cases", "right"), ("share", "right"))
    for value, n in list(counts.items())[:LISTED]:
        _row(table, value, f"{n:,}", _share(n, whole))
    return Group(table, *_more(len(counts), LISTED))


def _labels(shown: GoldenShown) -> list[RenderableType]:
    counts = shown.counts
    if not counts.labels:
        return [_section("Labels", _text("No case has a label.", "dim"))]
    if len(counts.labels) > LISTED and max(counts.labels.values()) < counts.cases / 100:
        return [
            _section("Labels", _text(f"{words.plural(counts.labelled, 'case')} with an answer of its own."))
        ]
    body = [_shares(counts.labels, counts.cases)]
    if counts.positives is not None:
        body.append(_text(f"positive class: {_share(counts.positives, counts.labelled)}"))
    missing = counts.cases - counts.labelled
    if missing:
        body.append(_text(f"{words.plural(missing, 'case')} without a label", "dim"))
    return [_section("Labels", *body)]


def _must_pass(shown: GoldenShown) -> list[RenderableType]:
    if not shown.must_pass:
        return []
    table = _table(("case", "left"), ("chosen", "left"), ("stratum", "left"), ("input", "left"))
    for case in shown.must_pass_cases[:LISTED]:
        _row(table, case.case_id, case.sampled, case.stratum or "", _cell(case.text, 44))
    head = _text(
        f"{words.plural(shown.must_pass, 'case')}: each must pass, and no rate is inferred from them."
    )
    return [_section("Must pass", head, table, *_more(shown.must_pass, LISTED))]


def _proofs(shown: GoldenShown) -> list[RenderableType]:
    if shown.sized is None or not shown.sized.gates:
        return []
    table = _table(("gate", "left"), ("cases", "right"), ("", "left"))
    for gate in shown.sized.gates:
        count = gate.question.cases
        _row(table, gate.question.rule, "" if count is None else f"{count:,}", _proof(gate))
    return [_section("What they can prove", table, _text("More: shipworthy size", "dim"))]


def _proof(gate: GateSize) -> str:
    question = gate.question
    if question.form == "paired":
        if gate.detectable is None:
            return "detects no difference"
        return f"detects a difference of {words.number(gate.detectable, 'points')}"
    if question.form != "rate" or question.cases is None or gate.best_bar is None:
        return "not sized: it is a list" if question.form == "list" else "not sized"
    if gate.needed is None:
        flawless = f"; it takes {gate.flawless:,}" if gate.flawless else ""
        return f"cannot prove it{flawless}"
    side = "at least" if question.better == "at_least" else "at most"
    return f"proven by {side} {gate.needed:,} of {question.cases:,}"


def _repeats(shown: GoldenShown) -> list[RenderableType]:
    twins = shown.twins
    if twins is None:
        return [_text("Not looked at: the rows stay in a warehouse.", "dim")]
    if not twins.compared_by:
        return [_text("Not looked at: no column describes a case.", "dim")]
    differing = "different labels" if twins.tabular else "labels in conflict"
    lines = [
        _text(
            f"{words.plural(twins.extra, 'case')} repeat{'s' if twins.extra == 1 else ''} another's input; "
            f"{words.plural(twins.conflicts, 'input')} with {differing}"
        ),
        _text(f"compared by {words.listed(twins.compared_by, 6)}", "dim"),
    ]
    lines += [_text(_leak_words(leak), "red" if leak.exact else "") for leak in shown.leaks]
    if not shown.leaks:
        lines.append(_text("Training files are not named (golden.training).", "dim"))
    if twins.is_text:
        lines.append(_text("Near duplicates: shipworthy golden duplicates", "dim"))
    return [*lines]


def _covered(shown: GoldenShown) -> list[RenderableType]:
    if shown.coverage is None:
        return [_text(f"Not known: {shown.coverage_unknown}.", "dim")]
    coverage = shown.coverage
    thin = coverage.thin
    lines = [
        _text(
            f"{len(thin):,} of {words.plural(len(coverage.parts), 'part')} of traffic have too few cases"
            + (
                f"; the largest is {_where(thin[0])}, {words.number(thin[0].share, 'share')} of traffic"
                if thin
                else ""
            )
        )
    ]
    lines.append(_text("More: shipworthy golden coverage", "dim"))
    return [*lines]


def print_check(shown: GoldenShown) -> None:
    """Print what is wrong with a golden set, and what should be known.

    Args:
        shown: The golden set.
    """
    title = f"{shown.product} · {shown.path} · version {short(shown.version)}"
    found = _verdicts(shown)
    if not shown.problems:
        found = [Padding(_text("✓ Nothing is wrong with the golden set.", "green"), (0, 0, 1, 1)), *found]
    _print(title, found)


# -- versions and diffs --------------------------------------------------------------------------------


def print_versions(found: Sequence[KnownVersion]) -> None:
    """Print the known versions, the first met first.

    Args:
        found: The versions.
    """
    table = _table(
        ("version", "left"),
        ("cases", "right"),
        ("first met", "left"),
        ("runs", "right"),
        ("decisions", "right"),
        ("file", "left"),
        ("", "left"),
    )
    for one in found:
        state = "now" if one.present else "" if one.kept else "only its hash is known"
        if one.source_version:
            state = f"{state} {one.source_version}".strip()
        cases = "?" if one.cases is None else f"{one.cases:,}"
        moment = words.when(one.first_seen) if one.first_seen else "?"
        _row(table, short(one.version), cases, moment, len(one.runs), len(one.decisions), one.path, state)
    _print(f"{words.plural(len(found), 'version')} of the golden set", [Padding(table, (0, 0, 1, 1))])


def described_diff(found: GoldenDiff) -> dict[str, Any]:
    """Return a diff as JSON-ready values.

    Args:
        found: The diff.
    """
    counts = found.counts
    return {
        **plain(found),
        "counts": {**plain(counts), "shared": counts.shared, "differing": counts.differing},
        "same_cases": found.same_cases,
    }


def print_diff(found: GoldenDiff) -> None:
    """Print how two versions differ.

    Args:
        found: The diff.
    """
    _print(f"{found.old} → {found.new}", _diff_sections(found))


def _diff_sections(found: GoldenDiff) -> list[RenderableType]:
    counts = found.counts
    head = [
        _text(f"{words.plural(counts.old, 'case')} before, {counts.new:,} now"),
        _text(
            f"{counts.added:,} added, {counts.removed:,} removed, {counts.differing:,} changed, "
            f"{counts.unchanged:,} unchanged"
        ),
    ]
    sections: list[RenderableType] = [Padding(Group(*head), (0, 0, 1, 1))]
    if found.guessed is not None:
        told = [
            _text(f"{name}: {', '.join(f'{role} ← {column}' for role, column in columns.items())}")
            for name, columns in zip((found.old, found.new), found.guessed, strict=True)
        ]
        sections.append(_section("Columns by their usual names, because no spec is here", *told))
    sections += _columns_moved(found)
    if found.strata and (counts.added or counts.removed or counts.changed["stratum"]):
        table = _table(
            ("stratum", "left"),
            ("before", "right"),
            ("now", "right"),
            ("added", "right"),
            ("removed", "right"),
        )
        for row in found.strata:
            _row(
                table,
                row.stratum or "none",
                f"{row.old:,}",
                f"{row.new:,}",
                f"{row.added:,}",
                f"{row.removed:,}",
            )
        sections.append(_section("Strata", table))
    sections += _labels_moved(found)
    if counts.differing:
        kinds = ", ".join(f"{PART_WORDS.get(part, part)} {n:,}" for part, n in counts.changed.items() if n)
        lines: list[RenderableType] = [_text(f"by part: {kinds}")]
        if found.columns_changed:
            listed = ", ".join(f"{name} {n:,}" for name, n in list(found.columns_changed.items())[:LISTED])
            lines.append(_text(f"by column: {listed}"))
        for case in found.changed[:LISTED]:
            parts = ", ".join(PART_WORDS.get(part, part) for part in case.parts)
            lines.append(_text(f"{words.cut(case.case_id, 40)}  {parts}"))
        sections.append(_section("Changed cases", *lines, *_more(counts.differing, LISTED)))
    for title, cases, count in (
        ("Added cases", found.added, counts.added),
        ("Removed cases", found.removed, counts.removed),
    ):
        if count:
            named = ", ".join(words.cut(case.case_id, 30) for case in cases[: 2 * LISTED])
            sections.append(_section(title, _text(named), *_more(count, 2 * LISTED)))
    return [*sections, _section("What it means", *(_text(line) for line in _meaning(found)))]


def _columns_moved(found: GoldenDiff) -> list[RenderableType]:
    lines = []
    for name in found.columns_removed:
        uses = (found.uses or {}).get(name, ())
        used = f" (the spec uses it: {', '.join(uses)})" if uses else ""
        lines.append(_text(f"− {name}{used}", "red" if uses else ""))
    lines += [_text(f"+ {name}") for name in found.columns_added]
    for name, (was, now) in (found.columns_retyped or {}).items():
        lines.append(_text(f"{name}: {was} became {now}"))
    return [_section("Columns", *lines)] if lines else []


def _labels_moved(found: GoldenDiff) -> list[RenderableType]:
    count = found.counts.changed["label"]
    if not count:
        return []
    lines: list[RenderableType] = []
    gone = [] if not found.labels_known else [s for s in ("old", "new") if s not in found.labels_known]
    for was, now, n in found.label_moves[:LISTED]:
        before = "(not kept)" if "old" in gone else "none" if was is None else was
        after = "(not kept)" if "new" in gone else "none" if now is None else now
        lines.append(_text(f"{words.cut(before, 30)} → {words.cut(after, 30)}  {words.plural(n, 'case')}"))
    if not found.labels_known:
        lines.append(_text("Which labels is not known: only hashes of either version are kept.", "dim"))
    return [_section(f"{words.plural(count, 'label')} changed", *lines)]


def _meaning(found: GoldenDiff) -> list[str]:
    counts = found.counts
    if found.old_version == found.new_version:
        return ["Both are the same version."]
    if found.same_cases:
        return [
            "Every case is the same; the versions differ in how the file is written or what columns mean."
        ]
    if not counts.shared:
        return ["They have no case in common: nothing measured on one can be set against the other."]
    lines = []
    if not found.same_inputs:
        lines.append(
            "golden.inputs named other columns when one of them was kept: what is called a change of input "
            "may be one of other columns. Name its file instead of its hash to see them by column."
        )
    lines += [
        "No case is unchanged: nothing measured on one can be set against the other."
        if not counts.unchanged
        else f"Runs on these versions can be compared on the {counts.unchanged:,} cases that both hold "
        "unchanged: shipworthy compare does so and says so. A decision needs runs on one version."
    ]
    touched = counts.changed["input"] + counts.changed["label"]
    if counts.removed or touched:
        lines.append(
            "Cases that a result was seen on were removed or changed: a later decision starts from other "
            "evidence, and nothing that an earlier look had proven is kept."
        )
    elif counts.added:
        lines.append("Cases were only added: a later decision is a new look at a grown sample.")
    return lines


# -- coverage ------------------------------------------------------------------------------------------


def described_coverage(found: Coverage) -> dict[str, Any]:
    """Return coverage as JSON-ready values.

    Args:
        found: The coverage.
    """
    return {**plain(found), "parts": [{**plain(part), "further": part.further} for part in found.parts]}


def print_coverage(found: Coverage) -> None:
    """Print which parts of traffic have too few cases.

    Args:
        found: The coverage.
    """
    title = f"{words.plural(found.cases, 'case')} against {found.rows:,} rows of {found.traffic}"
    _print(title, _coverage_sections(found))


def _where(part: TrafficPart) -> str:
    return " and ".join(f"{column} = {value}" for column, value in part.where.items())


def _coverage_sections(found: Coverage) -> list[RenderableType]:
    sections: list[RenderableType] = []
    thin = found.thin
    if thin:
        table = _table(
            ("part of traffic", "left"),
            ("share", "right"),
            ("cases", "right"),
            ("needed", "right"),
            ("further", "right"),
            ("for", "left"),
        )
        for part in thin[: 2 * LISTED]:
            share = words.number(part.share, "share")
            _row(
                table,
                _cell(_where(part), 48),
                share,
                f"{part.cases:,}",
                f"{part.needed:,}",
                f"{part.further:,}",
                _cell(part.because, 44),
            )
        sections.append(_section("Too few cases, by share of traffic", table, *_more(len(thin), 2 * LISTED)))
    else:
        line = f"All {words.plural(len(found.parts), 'part')} have enough cases."
        sections.append(_section("Too few cases, by share of traffic", _text(line, "green")))
    if found.only_golden:
        lines = [
            _text(f"{column} = {_cell(value)}  {words.plural(n, 'case')}")
            for column, value, n in found.only_golden[:LISTED]
        ]
        sections.append(
            _section("Cases that this traffic does not have", *lines, *_more(len(found.only_golden), LISTED))
        )
    table = _table(
        ("column", "left"), ("all cases", "right"), ("sampled: random", "right"), ("chi-square", "left")
    )
    for one in found.likeness:
        random = "none" if one.random_distance is None else words.number(one.random_distance, "share")
        _row(
            table,
            one.column,
            words.number(one.distance, "share"),
            random,
            _p_words(one.p_value),
            style="yellow" if one.contradicted else "",
        )
    body: list[RenderableType] = [
        table,
        _text("Share of cases that would have to be others for both to be alike.", "dim"),
    ]
    wrong = [one.column for one in found.likeness if one.contradicted]
    if wrong:
        body.append(
            _text(
                f"The cases that are said to be sampled: random are no random sample of this traffic (by "
                f"{words.listed(wrong)}; chi-square test of homogeneity, Holm). Rates over them are not "
                "rates of "
                "this traffic.",
                "yellow",
            )
        )
    sections.append(_section("Distance from traffic (total variation)", *body))
    if found.notes:
        sections.append(_section("Left out", *(_text(note, "dim") for note in found.notes)))
    return sections


def _p_words(p_value: float | None) -> str:
    if p_value is None:
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


# -- duplicates ----------------------------------------------------------------------------------------


def print_twins(found: Twins) -> None:
    """Print cases that say the same.

    Args:
        found: What was found.
    """
    by = words.listed(found.compared_by, 6)
    _print(f"{words.plural(found.cases, 'case')} compared by {by or 'nothing'}", _twin_sections(found))


def _twin_sections(found: Twins) -> list[RenderableType]:
    head = (
        f"{words.plural(found.groups, 'input')} stand{'s' if found.groups == 1 else ''} more than once: "
        f"{words.plural(found.extra, 'case')} {'like another' if found.tabular else 'too many'}"
    )
    sections: list[RenderableType] = []
    if found.conflicts:
        style = "" if found.tabular else "red"
        lines = [_text(_same_words(group), style) for group in found.conflicting[:LISTED]]
        title = f"{words.plural(found.conflicts, 'input')} with labels in conflict"
        if found.tabular:
            title = f"{words.plural(found.conflicts, 'input')} with different labels"
            note = (
                "Cases that look alike and end differently: a bound on any accuracy, no fault of labelling."
            )
            lines.insert(0, _text(note, "dim"))
        sections.append(_section(title, *lines, *_more(found.conflicts, LISTED)))
    lines = [_text(_same_words(group)) for group in found.same[:LISTED]]
    sections.append(
        _section(
            "Equal", _text(head), *lines, *_more(found.groups - found.conflicts, min(LISTED, len(found.same)))
        )
    )
    if found.near is None:
        sections.append(_section("Nearly equal", _text(f"Not looked for: {found.near_unknown}.", "dim")))
    else:
        told = (
            f"{words.plural(found.near, 'pair')} share at least {found.alike:.0%} of their shingles, in "
            f"{words.plural(found.near_groups, 'group')}: {words.plural(found.near_extra, 'case')} too many"
        )
        if found.near_conflicts:
            told += f"; {found.near_conflicts:,} of them with different labels"
        body: list[RenderableType] = [_near_table(found.pairs)] if found.pairs else []
        sections.append(_section("Nearly equal", _text(told), *body, *_more(found.near, LISTED)))
    for leak in found.leaks:
        style = "red" if leak.exact else ""
        told_of = [_text(_leak_words(leak), style)]
        if leak.case_ids:
            named = ", ".join(words.cut(case_id, 30) for case_id in leak.case_ids[:LISTED])
            told_of.append(_text(named + (" …" if (leak.exact or 0) > LISTED else "")))
        table = [_near_table(leak.pairs)] if leak.pairs else []
        sections.append(_section(f"Against {leak.file}", *told_of, *table))
    return sections


def _same_words(group: SameInput) -> str:
    named = []
    for case_id, label in list(zip(group.case_ids, group.labels, strict=True))[:6]:
        named.append(f"{words.cut(case_id, 24)} ({'no label' if label is None else words.cut(label, 24)})")
    return ", ".join(named) + (f" … {group.cases:,} in all" if group.cases > 6 else "")


def _near_table(pairs: Sequence[NearPair]) -> Table:
    table = _table(("alike", "right"), ("case", "left"), ("other", "left"), ("", "left"), ("", "left"))
    for pair in pairs[:LISTED]:
        labels = "" if pair.label == pair.other_label else f"{pair.label} / {pair.other_label}"
        _row(
            table,
            f"{pair.alike:.0%}",
            _cell(pair.case_id, 20),
            _cell(pair.other, 20),
            _cell(labels, 24),
            _cell(pair.text, 40),
        )
    return table


def _leak_words(leak: Leak) -> str:
    if leak.unknown:
        return f"{leak.file}: not known, {leak.unknown.rstrip('.')}"
    near = "" if leak.near is None else f", and {leak.near:,} nearly"
    exact = leak.exact or 0
    return f"{leak.file} holds {words.plural(exact, 'case')} of the golden set{near}"


# -- adding --------------------------------------------------------------------------------------------


def described_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON-ready values.

    Args:
        plan: The plan.
    """
    return {
        "source": plan.source,
        "golden": str(plan.golden.file.path),
        "version": plan.golden.version,
        "read": plan.read,
        "new": len(plan.cases),
        "cases": [plain(case) for case in plan.cases[:200]],
        "duplicates": plan.duplicates,
        "repeats": plan.repeats,
        "duplicate_ids": list(plan.duplicate_ids),
        "conflicts": plain(plan.conflicts),
        "columns": dict(plan.mapped),
        "missing": list(plan.missing),
        "dropped": list(plan.dropped),
        "new_columns": list(plan.new_columns),
        "made_ids": plan.made_ids,
        "unwritten": plan.unwritten,
        "notes": list(plan.notes),
    }


def print_plan(plan: Plan) -> None:
    """Print what adding cases would do.

    Args:
        plan: The plan.
    """
    _print(f"{plan.source} → {plan.golden.golden.path}", _plan_sections(plan))


def _plan_sections(plan: Plan) -> list[RenderableType]:
    lines = [
        _text(
            f"{words.plural(plan.read, 'row')} read: {words.plural(len(plan.cases), 'new case')}, "
            f"{plan.duplicates:,} "
            f"there already, {len(plan.conflicts):,} in conflict"
        )
    ]
    if plan.repeats:
        repeat = "row repeats" if plan.repeats == 1 else "rows repeat"
        lines.append(_text(f"{plan.repeats:,} {repeat} another row of the file"))
    if plan.unwritten:
        lines.append(_text(f"{words.plural(plan.unwritten, 'row')} left out: nothing is written there yet"))
    if plan.mapped:
        listed = ", ".join(f"{ours} ← {theirs}" for ours, theirs in plan.mapped.items())
        lines.append(_text(f"columns: {listed}"))
    if plan.made_ids and plan.cases:
        lines.append(_text("ids are made from the content, because the file has none"))
    if plan.missing:
        lines.append(_text(f"left empty: {words.listed(plan.missing, 8)}"))
    if plan.dropped:
        lines.append(_text(f"not taken over: {words.listed(plan.dropped, 8)}"))
    if plan.new_columns:
        lines.append(
            _text(f"new columns, empty for the cases that are there: {words.listed(plan.new_columns)}")
        )
    sections: list[RenderableType] = [Padding(Group(*lines), (0, 0, 1, 1))]
    if plan.conflicts:
        found = [_text(_conflict_words(conflict), "red") for conflict in plan.conflicts[:LISTED]]
        sections.append(_section("In conflict, left out", *found, *_more(len(plan.conflicts), LISTED)))
    if plan.cases:
        table = _table(("case", "left"), ("", "left"))
        for case in plan.cases[:LISTED]:
            _row(table, _cell(case.case_id, 28), _cell(case.title, 60))
        sections.append(_section("New", table, *_more(len(plan.cases), LISTED)))
    if plan.notes:
        sections.append(_section("To know", *(_text(f"· {note}", "yellow") for note in plan.notes)))
    return sections


def _conflict_words(conflict: Any) -> str:
    first, then = ("first", "then") if conflict.within else ("there", "new")
    labels = (
        "" if conflict.old_label is None else f": {conflict.old_label} {first}, {conflict.new_label} {then}"
    )
    other = "" if conflict.case_id == conflict.with_case else f" as {words.cut(conflict.with_case, 30)}"
    if conflict.within:
        other += " of the same file" if other else " as an earlier row of the file"
    return f"{words.cut(conflict.case_id, 30)} has {conflict.what}{other}{labels}"


def print_case(case: NewCase, place: int, count: int) -> None:
    """Print one case whole, for review.

    Args:
        case: The case.
        place: Its place among the new ones, from 1.
        count: New cases in all.
    """
    console = out()
    console.print(_text(f" {place:,} of {count:,} · {case.case_id}", "bold"))
    for name, value in case.values.items():
        console.print(Padding(_text(f"{name}: {words.cut(value, 1000)}"), (0, 0, 0, 3)))


def print_added(done: Addition) -> None:
    """Print what was added, and what it means.

    Args:
        done: What was added.
    """
    lines = [
        f"Added {words.plural(done.added, 'case')} to {done.path}, which now holds {done.cases:,}.",
        f"Version {short(done.old_version)} became {short(done.new_version)}.",
        "Runs on the old version are no evidence for the new one: run the systems again. A later "
        "decision is a "
        "new look, and is counted as one.",
    ]
    _print("Done", [Padding(Group(*map(_text, lines)), (0, 0, 1, 1))])
