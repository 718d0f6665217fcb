"""What nests deeper than a JSON parser bears is cut off, and nothing else is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.kube.scripted_api import ScriptedApi, answer

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.decoding import MAX_LEVELS, decode, without_depths
from hyperdrive_operator.kube.kinds import HYPERDRIVES

#: What a real API server takes at most, in a list. The parsers of Python 3.11 to 3.13 all give up on it.
DEEPEST = 10_002


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    return (opening * levels + "1" + closing * levels).encode()


def levels_of(value: Any) -> int:
    levels = 0
    while isinstance(value, dict | list) and value:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
        levels += 1
    return levels


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]"), ('[{"a":', "}]")])
def test_what_is_too_deep_for_the_parser_is_cut_off(opening: str, closing: str) -> None:
    assert levels_of(decode(nested(DEEPEST, opening, closing))) == MAX_LEVELS


def test_what_stands_beside_it_is_kept() -> None:
    tricky = {"text": 'a "quoted" }]{[ \\', "list": [[], {}, "\\\\", '"']}
    page = b'{"items": [%s, %s, %s], "metadata": {"continue": "x"}}'
    raw = page % (nested(DEEPEST), json.dumps(tricky).encode(), nested(DEEPEST, "[", "]"))
    read = decode(raw)
    assert read["items"][1] == tricky
    assert read["metadata"] == {"continue": "x"}


@pytest.mark.parametrize("raw", [b"", b"<html>", b'{"a": ', nested(DEEPEST)[:-1], nested(DEEPEST)[:60_000]])
def test_what_is_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|delimiter"):
        decode(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values, st.booleans())
def test_what_is_shallow_stays_as_it_is(value: object, ascii_only: bool) -> None:
    raw = json.dumps([value] * 300, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert without_depths(raw) == raw


async def test_one_object_nested_too_deep_does_not_hide_the_others(api: ScriptedApi, client: KubeClient) -> None:
    items = [{"metadata": {"name": name}} for name in ("a", "b")]
    raw = b'{"items": [%s, {"metadata": {"name": "deep"}, "spec": %s}, %s], "metadata": {}}'
    first, last = (json.dumps(item).encode() for item in items)
    api.on("GET", HYPERDRIVES.path(None), answer(200, raw % (first, nested(DEEPEST - 2), last)))
    assert [item["metadata"]["name"] for item in await client.list(HYPERDRIVES)] == ["a", "deep", "b"]


numbers = st.floats(allow_nan=False) | st.integers(-(2**70), 2**70)


@given(st.recursive(st.none() | st.text() | numbers, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_it_reads_what_the_standard_library_reads(value: object) -> None:
    raw = json.dumps(value).encode()
    assert decode(raw) == json.loads(raw)
    assert str(decode(raw)) == str(json.loads(raw))  # 1 and 1.0 are equal
