"""The questions that make a spec before any model exists; a terminal, a file or a page may ask them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shipworthy.define.library.modes import modes_for
from shipworthy.define.spec import KINDS, REGULATED
from shipworthy.define.wizard.kinds import KIND_SAYS
from shipworthy.errors import UsageError, nearest

__all__ = ["Answers", "Question", "answered", "beyond", "checked", "next_question", "percent", "questions"]

Form = Literal["text", "list", "choice", "choices", "modes", "money", "number", "share"]
Answers = Mapping[str, Any]

#: The expected truth lies so far from the bar on the way to flawless, where nothing else is known.
BEYOND_THE_BAR = 0.25


@dataclass(frozen=True)
class Question:
    """One plain question.

    Args:
        id: Name of the answer.
        asks: The question, one sentence.
        example: An answer somebody else gave.
        default: The answer where nothing is said; "" leaves it open, and the spec does not say it.
        form: What an answer is: text, a list of texts, one of `choices`, several of them, an amount of money
            (a number and, if wanted, a currency), a number, a share, or failure modes (own names too).
        choices: What can be chosen -> what it means.
    """

    id: str
    asks: str
    example: str
    default: str
    form: Form = "text"
    choices: Mapping[str, str] | None = None


def questions(answers: Answers) -> list[Question]:
    """Return the questions in their order, as far as the answers so far tell which there are.

    Args:
        answers: Checked answers by the id of their question.

    Returns:
        The first question alone until the kind is known, then all of them.
    """
    first = Question(
        "kind",
        "What does the product do?",
        "rag",
        "rag",
        "choice",
        {name: KIND_SAYS[name].what for name in KINDS},
    )
    if "kind" not in answers:
        return [first]
    kind = str(answers["kind"])
    says = KIND_SAYS[kind]
    found = [
        first,
        Question("user", "Who has the problem?", says.user, ""),
        Question(
            "today",
            "What do they do today, and what does it take? Give a number.",
            says.today,
            "",
        ),
        Question("without_ai", "What would you do without AI?", says.without_ai, ""),
        Question(
            "success",
            "What is success? A number, its unit, from where to where.",
            says.success,
            "",
        ),
        Question(
            "action", "What happens with an output? Name the actions.", says.actions, says.actions, "list"
        ),
        Question("actor", "Who acts on it?", "support agent", str(answers.get("user") or "the user")),
    ]
    if says.asks_positive:
        found.append(Question("positive", "Which label is the one to act on?", "yes", "yes"))
    found += [Question(f"cost_{key}", asks, f"{amount} USD", "", "money") for key, asks, amount in says.costs]
    found.append(Question("volume", "How many cases are there in a month?", "12000", "", "number"))
    for at, bar in enumerate(says.bars, 1):
        form: Form = "share" if bar.share else "number"
        found.append(Question(f"bar_{at}", bar.asks, bar.example, bar.default, form))
    if says.bars[0].share:
        found.append(
            Question(
                "expected",
                "And which share do you expect? The number of cases follows from it.",
                "85%",
                percent(beyond(_number(answers, "bar_1", says.bars[0].default), says.bars[0].at_least)),
                "share",
            )
        )
    found.append(
        Question(
            "slices",
            "Which situations must not be served worse? Name columns of your cases.",
            "language, plan",
            "",
            "list",
        )
    )
    found.append(
        Question(
            "regulated",
            "Does it decide about people in one of these fields?",
            "lending",
            "none",
            "choices",
            {**dict.fromkeys(REGULATED, ""), "none": "none of these"},
        )
    )
    if answers.get("regulated"):
        found.append(
            Question(
                "groups",
                "Which columns tell the groups of people to be treated alike?",
                "age_band, sex",
                "",
                "list",
            )
        )
    return [
        *found,
        Question(
            "failure_modes",
            "Which ways to be wrong matter? Enter takes the usual ones; -name takes one away, +name adds.",
            ", ".join(says.modes[:3]),
            ", ".join(says.modes),
            "modes",
            {mode.id: mode.definition for mode in modes_for(kind)},
        ),
        Question("owner", "Who answers for the product?", "ana, product manager", "product owner"),
    ]


def next_question(answers: Answers) -> Question | None:
    """Return the first question that has no answer yet; None where all have one."""
    return next((question for question in questions(answers) if question.id not in answers), None)


def answered(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked answers to all questions: what was given, else the defaults.

    Args:
        given: Answers as they were written, by the id of their question.

    Raises:
        UsageError: If an answer cannot be understood, or answers nothing that is asked.
    """
    answers: dict[str, Any] = {}
    while (question := next_question(answers)) is not None:
        answers[question.id] = checked(question, given.get(question.id), answers)
    for name in given:
        if name not in answers:
            raise UsageError(f"No question is called {name!r}.", fix=nearest(str(name), answers))
    return answers


def checked(question: Question, given: Any, answers: Answers | None = None) -> Any:
    """Return an answer as the spec takes it.

    Args:
        question: The question.
        given: What was written: text, a number or a list; None or "" for the default.
        answers: Earlier answers, which it must agree with.

    Returns:
        The answer; None where it is left open.

    Raises:
        UsageError: If it cannot be understood, or contradicts an earlier answer.
    """
    written = question.default if given is None or given == "" else given
    if written == "" and question.form in ("text", "money", "number"):
        return None
    answer = _READERS[question.form](question, written)
    _check_agrees(question, answer, answers or {})
    return answer


def _check_agrees(question: Question, answer: Any, answers: Answers) -> None:
    """Refuse a second currency, shares that exclude each other, and an expectation below its bar."""
    if question.form == "money":
        named = {said[1] for name, said in answers.items() if name.startswith("cost_") and said and said[1]}
        if answer[1] and named and named != {answer[1]}:
            raise UsageError(
                f"The costs before are in {named.pop()}, and a spec has one currency.",
                fix="Give this one in it too.",
            )
    if question.id in ("bar_2", "expected") and "bar_1" in answers:
        first = float(answers["bar_1"])
        metric = KIND_SAYS[str(answers["kind"])].bars[0].metric
        if question.id == "expected" and answer <= first:
            raise UsageError(
                f"An expected {percent(answer)} does not lie above the bar of {percent(first)}: no number of "
                "cases would prove it.",
                fix="Expect more, or lower the bar.",
            )
        if question.id == "bar_2" and metric == "good" and answer > 1 - first + 1e-9:
            raise UsageError(
                f"Where {percent(first)} must be good, at most {percent(1 - first)} can be harmful.",
                fix="Write a smaller share.",
            )


def _text(question: Question, written: Any) -> str:
    text = " ".join(str(written).split())
    if not text.isprintable():
        raise UsageError(f"The answer to {question.id!r} holds characters that cannot be shown.")
    return text


def _list(question: Question, written: Any) -> list[str]:
    parts = written if isinstance(written, list) else re.split(r"[,;]", str(written))
    found = list(dict.fromkeys(text for part in parts if (text := _text(question, part))))
    return found or ([] if not question.default else _list(question, question.default))


def _choice(question: Question, written: Any) -> str:
    chosen, known = _text(question, written), question.choices or {}
    if chosen not in known:
        raise UsageError(f"{chosen!r} is no answer to {question.id!r}.", fix=nearest(chosen, known))
    return chosen


def _choices(question: Question, written: Any) -> list[str]:
    return [name for part in _list(question, written) if (name := _choice(question, part)) != "none"]


def _modes(question: Question, written: Any) -> list[str]:
    """Return failure modes: a list, or changes of the usual ones; own names are taken as they are."""
    said = _list(question, written)
    changes = [name for name in said if name[:1] in "+-"]
    chosen = _list(question, question.default) if said and len(changes) == len(said) else []
    for name in said:
        bare = name.lstrip("+-").strip()
        if bare == "none":
            continue
        if name.startswith("-"):
            if bare not in chosen:
                raise UsageError(f"{bare!r} is not among them.", fix=nearest(bare, chosen))
            chosen.remove(bare)
            continue
        known = question.choices or {}
        close = nearest(bare, known)
        if bare not in known and (
            close.startswith("Did you mean") or not re.fullmatch(r"[a-z][a-z0-9_]*", bare)
        ):
            fix = close if close.startswith("Did") else "Write a name of small letters, as wrong_deadline."
            raise UsageError(f"{bare!r} is no failure mode of the library.", fix=fix)
        chosen.append(bare)
    return list(dict.fromkeys(chosen))


_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}


def _money(question: Question, written: Any) -> tuple[float, str]:
    text = str(written).strip()
    for sign, code in _SIGNS.items():
        text = text.replace(sign, f" {code} ").strip()
    found = re.fullmatch(r"(?:([A-Za-z]{3})\s*)?([\d.,]+)\s*([A-Za-z]{3})?", text)
    amount = _as_number(found[2]) if found else None
    if found is None or amount is None or (found[1] and found[3]):
        raise UsageError(
            f"{str(written)!r} is no amount of money.", fix="Write a number and a currency, as 400 EUR."
        )
    return amount, (found[1] or found[3] or "").upper()


def _plain_number(question: Question, written: Any) -> float:
    number = _as_number(str(written).strip())
    if number is None or number <= 0:
        raise UsageError(
            f"{str(written)!r} is no plain number above 0.", fix=f"Write one, as {question.example}."
        )
    return number


def _share(question: Question, written: Any) -> float:
    text = str(written).strip()
    number = _as_number(text.removesuffix("%").strip())
    share = None if number is None else number / 100 if text.endswith("%") else number
    if share is None or not 0 < share < 1:
        fix = (
            f"Write {number:g}% for it." if number is not None and 1 <= number < 100 else "Write 80% or 0.8."
        )
        raise UsageError(f"{text!r} is no share between 0 and 100%.", fix=fix)
    return round(share, 10)


_READERS: Mapping[Form, Callable[[Question, Any], Any]] = {
    "text": _text,
    "list": _list,
    "choice": _choice,
    "choices": _choices,
    "modes": _modes,
    "money": _money,
    "number": _plain_number,
    "share": _share,
}


def _as_number(text: str) -> float | None:
    """Return a number, with separators of thousands as 12,000 or cents as 12,50; None where it is none.

    What could be read as thousands or as a fraction, such as 15.000, is none.
    """
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    elif re.fullmatch(r"\d+,\d{1,2}", text):
        text = text.replace(",", ".")
    elif re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+", text):
        return None
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def _number(answers: Answers, name: str, default: str) -> float:
    found = answers.get(name)
    return float(found) if found is not None else _share(Question(name, "", default, default), default)


def beyond(bar: float, at_least: bool) -> float:
    """Return an expected share that lies on the good side of its bar, where nothing else is known.

    Args:
        bar: The bar, in (0, 1).
        at_least: Whether more is better.
    """
    expected = bar + (1 - bar) * BEYOND_THE_BAR if at_least else bar * (1 - 2 * BEYOND_THE_BAR)
    return round(expected, 4)


def percent(share: float) -> str:
    """Return a share as a rule says it, such as 80%."""
    return f"{share * 100:.10g}%"
