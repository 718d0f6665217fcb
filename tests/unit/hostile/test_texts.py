"""Texts of users: templates, patterns, rules and JSON. Any answer will do, as long as there is one, soon."""

import json
import time

import pytest
from tests.support.builders import choice, sweep_body
from tests.support.hostile import SHAPES, TEXTS, Hostile

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec
from hyperdrive_operator.core.constraints import allows, constraint_problems
from hyperdrive_operator.core.metrics import Aim
from hyperdrive_operator.core.patterns import pattern_problems, reader_of
from hyperdrive_operator.core.template import placeholder_problems, render
from hyperdrive_operator.kube.decoding import MAX_LEVELS, decode, without_depths

CASES = 10_000
TEMPLATE = (
    "$(params.x)",
    "$(params.y)",
    "$(",
    ")",
    "$",
    "(params.",
    "params",
    " ",
    "x",
    "$$(params.x)",
    "\ud800",
    "\n",
)
PATTERN = (
    "(?P<value>", "(?P<name>", "(?P<step>", "(", ")", "[^=]", "\\S+", ".*", "+", "*", "?", "{1000}", "{2,}", "|", "^",
    "$", "a", "=", "\\d", "\\", "\\p{L}", "(?i)", "(a+)+", "\x00", "é",
)  # fmt: skip
RULE = (
    "params.x", 'params["y"]', "params", " > ", " + ", " && ", "!", "(", ")", "1", "0.5", "1/0", "'a'", "[1, 2]",
    ".all(i, i > 0)", ".exists(i, i == params.x)", "size(", "double(", "9223372036854775807", " ? ", " : ", "true",
    ".matches('(a+)+b')", "{}", "\x00",
)  # fmt: skip
JSON = (
    b"{", b"}", b"[", b"]", b'"', b'"a":', b",", b"1", b"1e999", b"-0", b"NaN", b"Infinity", b"null", b'"\\ud800"',
    b"\\", b"\xff", b" ", b"\n", b"1" * 400, b'{"a":1,"a":2}', b'"\\u0000"',
)  # fmt: skip
LINE = b"accuracy=0.5 loss: 1e5 step=3 " + b"a" * 2_000 + b"=1"


@pytest.mark.parametrize("seed", range(2))
def test_a_template_is_rendered_or_its_placeholder_is_named(seed: int) -> None:
    chance = Hostile(seed)
    for _ in range(CASES):
        template = {chance.text(TEMPLATE, 3): [chance.text(TEMPLATE)], "args": [chance.text(TEMPLATE)]}
        parameters = {"x": chance.value(), "y": "$(params.x)"}
        placeholder_problems(template, parameters, "spec")
        rendered = render(template, parameters)
        assert len(json.dumps(rendered)) < 1_000_000
        assert template["args"] == [] or isinstance(template["args"][0], str), "the template is not changed"


def test_a_value_that_looks_like_a_placeholder_is_not_replaced_again() -> None:
    assert render({"args": ["$(params.y)$(params.y)"]}, {"x": 1, "y": "$(params.x)"})["args"] == ["$(params.x)" * 2]


@pytest.mark.parametrize("seed", range(2))
def test_a_pattern_is_refused_or_reads_any_line_in_time(seed: int) -> None:
    chance = Hostile(seed)
    slowest = 0.0
    for _ in range(CASES // 4):
        body = sweep_body(metrics={"pattern": "x" + chance.text(PATTERN, 12)})
        spec = HyperDriveSpec.model_validate(body["spec"])
        if pattern_problems(spec):
            continue
        began = time.thread_time()
        reader_of(spec, Aim("accuracy", "Maximize"))(LINE)
        slowest = max(slowest, time.thread_time() - began)
    assert slowest < 2


@pytest.mark.parametrize("seed", range(2))
def test_a_rule_is_refused_or_decides(seed: int) -> None:
    chance = Hostile(seed)
    for _ in range(CASES // 20):
        rule = chance.text(RULE, 8) or "true"
        body = sweep_body(searchSpace=[choice("x", 1, 2), choice("y", "a", "b")], constraints=[{"rule": rule}])
        spec = HyperDriveSpec.model_validate(body["spec"])
        if not constraint_problems(spec):
            assert allows(spec, {"x": 1, "y": "a"}) in {True, False}


@pytest.mark.parametrize("seed", range(4))
def test_json_is_parsed_or_refused_as_the_standard_library_does(seed: int) -> None:
    chance = Hostile(seed)
    for _ in range(CASES):
        raw = b"".join(chance.choices(JSON, k=chance.randint(0, 12)))
        try:
            expected = json.loads(raw)
        except ValueError:
            with pytest.raises(ValueError):  # noqa: PT011  JSONDecodeError, or one of its text's encoding
                decode(raw)
        else:
            assert json.dumps(decode(raw)) == json.dumps(expected)
        assert without_depths(raw) == raw, "it is not deep"


@pytest.mark.parametrize("levels", [MAX_LEVELS, MAX_LEVELS + 1, 5_000, 100_000])
@pytest.mark.parametrize(
    "brackets", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"]":', b"}]")], ids=["list", "object", "both"]
)
def test_json_of_any_depth_is_parsed_in_time_in_proportion(levels: int, brackets: tuple[bytes, bytes]) -> None:
    before, after = brackets
    began = time.thread_time()
    decode(without_depths(before * levels + b"1" + after * levels))
    assert time.thread_time() - began < 2


def test_what_is_made_of_these_is_the_same_each_time() -> None:
    assert [Hostile(3).value() for _ in range(3)] == [Hostile(3).value() for _ in range(3)]
    assert len(TEXTS) + len(SHAPES) > 40
