"""Systems that are Python functions: how they load, and what their answers become."""

from __future__ import annotations

import math
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from shipworthy.define.spec import SystemUse
from shipworthy.errors import ProviderUnreachable, SystemLoadError
from shipworthy.evaluate.systems.function import FunctionSystem
from shipworthy.records import Case, Output


def system(folder: Path, code: str, function: str = "bot:answer", **use: Any) -> FunctionSystem:
    (folder / "bot.py").write_text(textwrap.dedent(code))
    return FunctionSystem(SystemUse(function=function, **use), folder)


def answer(folder: Path, returns: str, **use: Any) -> Output:
    code = f"import math\nclass Odd: pass\ndef answer(question):\n    return {returns}\n"
    return system(folder, code, **use).ask([(Case("c1", "?"), 0)])[0]


# answers


@pytest.mark.parametrize(
    ("returns", "text", "prediction"),
    [
        ("'hello'", "hello", None),
        ("3", "3", "3"),
        ("3.0", "3", "3"),
        ("0.25", "0.25", "0.25"),
        ("True", "true", "true"),
        ("{'output': 'hello'}", "hello", None),
        ("{'text': 'hello', 'prediction': 'greeting'}", "hello", "greeting"),
        ("{'prediction': 1}", None, "1"),
        ("{'output': {'a': [1, 'é']}}", '{"a": [1, "é"]}', None),
        ("'half \\ud800'", "half \ufffd", None),
        ("'\\x00'", "\x00", None),
    ],
)
def test_an_answer_becomes_an_output(
    tmp_path: Path, returns: str, text: str | None, prediction: str | None
) -> None:
    output = answer(tmp_path, returns)
    assert (output.text, output.prediction, output.failed) == (text, prediction, None)
    assert output.latency_ms is not None
    assert output.latency_ms >= 0


def test_an_answer_may_give_its_own_numbers(tmp_path: Path) -> None:
    output = answer(tmp_path, "{'predicted_score': 0.5, 'latency_ms': 12, 'run_cost': 0.01}")
    assert output == Output("c1", predicted_score=0.5, latency_ms=12.0, run_cost=0.01)


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ("None", "empty output"),
        ("' '", "empty output"),
        ("{}", "empty output"),
        ("{'output': None}", "empty output"),
        ("{'predction': 1}", "unknown key 'predction' in the system's answer; did you mean 'prediction'?"),
        (
            "{'output': 'a', 'text': 'b'}",
            "the system's answer has both 'output' and 'text'; give one of them",
        ),
        ("math.nan", "the system's answer is nan, which is not finite"),
        ("{'predicted_score': math.nan}", "'predicted_score' is nan, which is not finite"),
        ("{'predicted_score': -math.inf}", "'predicted_score' is -inf, which is not finite"),
        ("{'predicted_score': '0.5'}", "'predicted_score' is a str, not a number"),
        ("{'predicted_score': True}", "'predicted_score' is a bool, not a number"),
        ("{'output': 'x', 'latency_ms': -1}", "'latency_ms' is -1, below zero"),
        ("{'prediction': ['a']}", "'prediction' is a list; give text"),
        ("[1, 2]", "the system's answer is a list; give text"),
        ("Odd()", "the system's answer is a Odd; give text"),
        ("{'output': {'x': Odd()}}", "the system's answer cannot be read: TypeError"),
        ("10 ** 5000", "the system's answer cannot be read: ValueError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("exit(3)", "SystemExit: 3"),
        ("(_ for _ in ()).throw(KeyboardInterrupt)", "KeyboardInterrupt"),
        ("(_ for _ in ()).throw(ValueError('a\\n\\x1b[31mb' + 'c' * 9999))", "ValueError: a [31mbccc"),
    ],
)
def test_an_unusable_answer_failed_with_its_reason(tmp_path: Path, returns: str, reason: str) -> None:
    output = answer(tmp_path, returns)
    assert str(output.failed).startswith(reason)
    assert len(str(output.failed)) <= 300
    assert str(output.failed).isprintable()
    assert output.unscored is None


@pytest.mark.parametrize("error", [ConnectionResetError, ProviderUnreachable])
def test_an_unreachable_provider_is_raised_for_another_try(tmp_path: Path, error: type[Exception]) -> None:
    code = f"""
        from shipworthy.errors import ProviderUnreachable
        def answer(question): raise {error.__name__}("down")
    """
    with pytest.raises(error, match="down"):
        system(tmp_path, code).ask([(Case("1", "?"), 0)])


def test_a_function_cannot_change_the_case(tmp_path: Path) -> None:
    case = Case("1", {"rows": [1]})
    built = system(tmp_path, "def answer(question): question['rows'].append(2); return len(question['rows'])")
    assert built.ask([(case, 0)])[0].text == built.ask([(case, 0)])[0].text == "2"
    assert case.input == {"rows": [1]}


def test_a_plain_function_that_returns_a_coroutine_is_awaited(tmp_path: Path) -> None:
    code = """
        async def real(question): return question
        answer = lambda question: real(question)
    """
    assert system(tmp_path, code).ask([(Case("1", "x"), 0)])[0].text == "x"


# batches

BATCH = [(Case("a", 1), 0), (Case("b", 2), 0), (Case("c", 3), 1)]


def test_a_batch_function_answers_in_order(tmp_path: Path) -> None:
    built = system(tmp_path, "def answer(asked): return [number * 2 for number in asked]", batch=5)
    assert [(o.case_id, o.repeat, o.text) for o in built.ask(BATCH)] == [
        ("a", 0, "2"),
        ("b", 0, "4"),
        ("c", 1, "6"),
    ]


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ("asked[1:]", "2 answers for a batch of 3 inputs"),
        ("'abc'", "a batch function returns a list of answers, not a str"),
        ("None", "a batch function returns a list of answers, not a NoneType"),
        ("{}[1]", "KeyError: 1"),
    ],
)
def test_a_wrong_batch_failed_as_a_whole(tmp_path: Path, returns: str, reason: str) -> None:
    outputs = system(tmp_path, f"def answer(asked): return {returns}", batch=5).ask(BATCH)
    assert [output.failed for output in outputs] == [reason] * 3


def test_an_exception_in_a_batch_is_about_one_case(tmp_path: Path) -> None:
    code = "def answer(asked): return [ValueError('no'), ConnectionError('down'), 'yes']"
    first, second, third = system(tmp_path, code, batch=3).ask(BATCH)
    assert first.failed == "ValueError: no"
    assert second.unscored == "provider unreachable: ConnectionError: down"
    assert third.text == "yes"


# loading


def test_a_module_is_imported_fresh(tmp_path: Path) -> None:
    (tmp_path / "wisdom.py").write_text("WORD = 'old'\n")
    code = "import wisdom\ndef answer(question): return wisdom.WORD\n"
    assert system(tmp_path, code).ask([(Case("1", "?"), 0)])[0].text == "old"
    (tmp_path / "wisdom.py").write_text("WORD = 'new'\n")
    assert system(tmp_path, code).ask([(Case("1", "?"), 0)])[0].text == "new"


def test_two_products_may_use_the_same_names(tmp_path: Path) -> None:
    built = []
    for word in ("one", "two"):
        folder = tmp_path / word
        (folder / "parts").mkdir(parents=True)
        (folder / "parts" / "__init__.py").touch()
        (folder / "parts" / "word.py").write_text(f"WORD = {word!r}\n")
        built.append(system(folder, "from parts.word import WORD\ndef answer(question): return WORD\n"))
    assert [each.ask([(Case("1", "?"), 0)])[0].text for each in built] == ["one", "two"]


def test_loading_writes_nothing_beside_the_module(tmp_path: Path) -> None:
    system(tmp_path, "def answer(question): return 1")
    assert [path.name for path in tmp_path.iterdir()] == ["bot.py"]


def test_a_virtual_environment_inside_the_product_is_not_imported_again(tmp_path: Path) -> None:
    inner = tmp_path / ".venv" / "site-packages"
    inner.mkdir(parents=True)
    (inner / "installed_thing.py").write_text("")
    sys.path.append(str(inner))
    try:
        import installed_thing  # type: ignore[import-not-found]

        system(tmp_path, "def answer(question): return 1")
        assert sys.modules["installed_thing"] is installed_thing
    finally:
        sys.path.remove(str(inner))
        del sys.modules["installed_thing"]


@pytest.mark.parametrize(
    ("code", "function", "message"),
    [
        (
            "\nimport no_such_thing\n",
            "bot:answer",
            r"bot.py:2: .*'no_such_thing', which is not installed.*pip install",
        ),
        ("x = 1\ny = (\n", "bot:answer", r"bot.py:2: .*SyntaxError"),
        ("\n\n1 / 0\n", "bot:answer", r"bot.py:3: .*ZeroDivisionError"),
        ("exit()", "bot:answer", r"bot.py:1: .*SystemExit"),
        ("def answer(q): ...", "bto:answer", r"No module 'bto'.*Did you mean 'bot'"),
        ("def answer(q): ...", "bot:anser", r"bot.py: No function 'anser'.*Did you mean 'answer'"),
        ("answer = 3", "bot:answer", r"is a int, not a function"),
        ("def answer(): ...", "bot:answer", r"bot.py:1: .*called with one argument"),
        ("def answer(a, b): ...", "bot:answer", r"missing a required argument: 'b'"),
        ("def answer(q): ...", "bot:", r"Write it as module:name"),
    ],
)
def test_a_function_that_cannot_be_loaded_says_where_and_what_to_do(
    tmp_path: Path, code: str, function: str, message: str
) -> None:
    with pytest.raises(SystemLoadError, match=f"(?s){message}"):
        system(tmp_path, code, function)


def test_a_module_that_hides_pythons_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queue.py").write_text("def answer(q): ...")
    with pytest.raises(SystemLoadError, match="hides Python's own"):
        FunctionSystem(SystemUse(function="queue:answer"), tmp_path)


def test_a_method_of_an_object_is_a_function_too(tmp_path: Path) -> None:
    code = """
        class Bot:
            async def __call__(self, question): return question
            def answer(self, question): return question
        bot = Bot()
    """
    assert not system(tmp_path, code, "bot:bot.answer").is_async
    assert system(tmp_path, code, "bot:bot").is_async


# pins and fingerprint


def test_pins_and_the_fingerprint_name_what_the_answers_depend_on(tmp_path: Path) -> None:
    code = "def answer(q): ...\ndef shipworthy_pins(): return {'corpus': 'abc', 'year': 2024}\n"
    built = system(tmp_path, code)
    assert built.pins() == {"corpus": "abc", "year": "2024"}
    assert built.fingerprint() == system(tmp_path, code).fingerprint()
    assert built.fingerprint() != system(tmp_path, code, batch=2).fingerprint()
    assert built.fingerprint() != system(tmp_path, code.replace("abc", "abd")).fingerprint()
    assert built.fingerprint() == system(tmp_path, code, concurrency=3, timeout_s=1, retries=0).fingerprint()


def test_the_fingerprint_follows_what_the_module_imports(tmp_path: Path) -> None:
    (tmp_path / "prompt.py").write_text("TEXT = 'a'\n")
    before = system(tmp_path, "import prompt\ndef answer(q): ...").fingerprint()
    (tmp_path / "prompt.py").write_text("TEXT = 'b'\n")
    assert system(tmp_path, "import prompt\ndef answer(q): ...").fingerprint() != before


@pytest.mark.parametrize("returns", ["1 / 0", "['abc']"])
def test_pins_that_fail_are_an_error(tmp_path: Path, returns: str) -> None:
    code = f"def answer(q): ...\ndef shipworthy_pins(): return {returns}\n"
    with pytest.raises(SystemLoadError, match="shipworthy_pins"):
        system(tmp_path, code).pins()


def test_a_recorded_system_is_no_function(tmp_path: Path) -> None:
    with pytest.raises(SystemLoadError, match="recorded file"):
        FunctionSystem(SystemUse(recorded="outputs.jsonl"), tmp_path)


def test_latency_is_measured_in_milliseconds(tmp_path: Path) -> None:
    output = answer(tmp_path, "__import__('time').sleep(0.02) or 'x'")
    assert output.latency_ms is not None
    assert 19 < output.latency_ms < 1000
    assert math.isfinite(output.latency_ms)
