"""The schema package's smaller parts: Go's way of writing, RE2's patterns, quantities, escaped names."""

import pytest

from hyperdrive_local.schema import golang
from hyperdrive_local.schema.builtin.quantity import parse_quantity
from hyperdrive_local.schema.cel.naming import escape
from hyperdrive_local.schema.errors import FieldError, duplicate, invalid, invalid_message, required
from hyperdrive_local.schema.formats import duration_nanoseconds
from hyperdrive_local.schema.patterns import PatternError, compile_re2


@pytest.mark.parametrize(
    ("value", "plain", "json"),
    [
        pytest.param(3, "3", "3", id="integer"),
        pytest.param(100.0, "100", "100", id="a whole float loses its point"),
        pytest.param(0.1, "0.1", "0.1", id="fraction"),
        pytest.param(1e-5, "1e-05", "0.00001", id="small"),
        pytest.param(1e-7, "1e-07", "1e-7", id="very small"),
        pytest.param(1e20, "100000000000000000000", "100000000000000000000", id="large"),
        pytest.param(1.5e21, "1.5e+21", "1.5e+21", id="very large"),
        pytest.param(-0.25, "-0.25", "-0.25", id="negative"),
        pytest.param(123456.789, "123456.789", "123456.789", id="many digits"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, plain: str, json: str) -> None:
    assert (golang.number(value), golang.as_json(value)) == (plain, json)


def test_json_is_written_as_go_writes_it() -> None:
    assert golang.as_json({"b": [1, None, True], "a": "<é>\n"}) == '{"a":"\\u003cé\\u003e\\n","b":[1,null,true]}'


def test_texts_are_quoted_as_go_quotes_them() -> None:
    assert golang.quoted('a"b\\c\n\x00é') == '"a\\"b\\\\c\\n\\x00é"'


@pytest.mark.parametrize(
    ("error", "text", "reason"),
    [
        pytest.param(
            invalid("spec.x", 0, "is wrong"), "spec.x: Invalid value: 0: is wrong", "FieldValueInvalid", id="invalid"
        ),
        pytest.param(required("spec.x"), "spec.x: Required value", "FieldValueRequired", id="required"),
        pytest.param(
            duplicate("l[1]", {"k": "a"}), 'l[1]: Duplicate value: {"k":"a"}', "FieldValueDuplicate", id="duplicate"
        ),
    ],
)
def test_an_error_reads_as_on_a_real_server(error: FieldError, text: str, reason: str) -> None:
    assert (str(error), error.reason) == (text, reason)


def test_errors_of_one_object_are_told_once_each() -> None:
    one, other = required("spec.a"), required("spec.b")
    alone = 'Job.batch "j" is invalid: spec.a: Required value'
    assert invalid_message("Job", "batch", "j", [one, one]) == alone
    both = 'Pod "p" is invalid: [spec.a: Required value, spec.b: Required value]'
    assert invalid_message("Pod", "", "p", [one, other]) == both


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        pytest.param("b", "abc", True, id="it searches"),
        pytest.param("^a$", "a\n", False, id="the end is the very end"),
        pytest.param("(?m)^a$", "a\nb", True, id="but of a line in multiline mode"),
        pytest.param(r"\w", "é", False, id="classes are ASCII"),
        pytest.param("^[[:alpha:]_]+$", "a_b", True, id="POSIX class"),
        pytest.param("^[^[:digit:]]+$", "a1", False, id="POSIX class in a negated class"),
        pytest.param("^[]a]+$", "]a", True, id="a bracket that comes first"),
        pytest.param("[$]", "a$", True, id="a dollar in a class"),
        pytest.param(r"\Qa.b\E+", "a.bb", True, id="quoted text"),
        pytest.param(r"a\z", "a\n", False, id="end of text"),
        pytest.param("(?P<n>a)(?<m>b)", "ab", True, id="named groups"),
        pytest.param("(?i)A", "a", True, id="flags"),
    ],
)
def test_patterns_mean_what_they_mean_in_go(pattern: str, text: str, found: bool) -> None:
    assert (compile_re2(pattern).search(text) is not None) == found


@pytest.mark.parametrize(
    "pattern", ["(", "a)", "[a", "*", "(?=a)", "(?!a)", "(?<=a)", r"\1", "a++", r"\Z", "[[:nope:]]"]
)
def test_what_is_no_pattern_in_go_is_none_here(pattern: str) -> None:
    with pytest.raises(PatternError, match="error parsing regexp"):
        compile_re2(pattern)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1", "1"),
        ("1.5", "1500m"),
        ("1000m", "1"),
        ("0.0001", "100u"),
        ("1024", "1024"),
        ("1Gi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1e3", "1e3"),
        ("2000k", "2M"),
        ("-3", "-3"),
        ("0", "0"),
        (0.5, "500m"),
    ],
)
def test_quantities_are_written_canonically(text: str | float, canonical: str) -> None:
    assert str(parse_quantity(text)) == canonical


@pytest.mark.parametrize("value", ["", "x", "1x", "1 Gi", "1ki", "--1", "1e", True, None, "1e999999999"])
def test_what_is_no_quantity(value: object) -> None:
    assert parse_quantity(value) is None


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1h30m", 5400 * 10**9),
        ("1.5s", 1500 * 10**6),
        ("-2ms", -2 * 10**6),
        ("0", 0),
        ("", None),
        ("1d", None),
        ("h", None),
    ],
)
def test_durations_are_gos(text: str, nanoseconds: int | None) -> None:
    assert duration_nanoseconds(text) == nanoseconds


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("plain", "plain"),
        ("batch-size", "batch__dash__size"),
        ("a.b/c", "a__dot__b__slash__c"),
        ("a__b", "a__underscores__b"),
        ("if", "__if__"),
        ("a b", None),
        ("1a", None),
        ("", None),
    ],
)
def test_names_are_escaped_for_rules(name: str, escaped: str | None) -> None:
    assert escape(name) == escaped
