"""The reference page: every field of both CRDs stands on it, and its tables and links are whole."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hyperdrive_operator.api.schema import custom_resource_definitions
from hyperdrive_operator.tools.reference import reference

CRDS = custom_resource_definitions()
PAGE = reference(CRDS)
LINES = PAGE.splitlines()
CELLS = re.compile(r"(?<!\\)\|")


def fields(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every field of a schema with its path as kubectl explain has it."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from fields(schema[key], path)


def rows() -> dict[str, list[str]]:
    """Return the cells of each field's row by its path: the heading above and its name."""
    found = {}
    heading = ""
    for line in LINES:
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in CELLS.split(line)[1:-1]]
            found[f"{heading}.{cells[0].strip('`')}"] = cells
    return found


ALL = [
    pair
    for crd in CRDS
    for pair in fields(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], crd["spec"]["names"]["singular"])
]


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    assert set(rows()) == {path for path, _ in ALL}
    assert len(ALL) > 100


def test_every_row_has_five_cells_and_a_description() -> None:
    by_length = {path: len(cells) for path, cells in rows().items()}
    assert set(by_length.values()) == {5}
    undescribed = {path for path, cells in rows().items() if not cells[4]}
    assert undescribed == {path for path, field in ALL if not field.get("description")} - {
        f"{crd['spec']['names']['singular']}.{name}" for crd in CRDS for name in ("apiVersion", "kind", "metadata")
    }


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    width = 0
    for before, line in zip(["", *LINES], LINES, strict=False):
        if not line.startswith("|"):
            continue
        if not before.startswith("|"):
            width = len(CELLS.split(line))
        assert len(CELLS.split(line)) == width, line


def test_every_rule_of_the_api_server_is_told() -> None:
    def messages(schema: Any) -> Iterator[str]:
        if isinstance(schema, list):
            for item in schema:
                yield from messages(item)
        elif isinstance(schema, dict):
            yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", ()))
            for value in schema.values():
                yield from messages(value)

    told = [re.sub(r"^- (`\w+`: )?", "", line) for line in LINES if line.startswith("- ")]
    wanted = {" ".join(message.split()).replace("<", "&lt;") for crd in CRDS for message in messages(crd)}
    assert len(wanted) > 10
    assert wanted <= set(told)


def test_links_lead_to_headings_each_of_which_is_there_once() -> None:
    headings = [re.sub(r"[^\w -]", "", line.lstrip("# ").lower()) for line in LINES if line.startswith("#")]
    assert len(headings) == len(set(headings))
    links = re.findall(r"\]\(#([^)]*)\)", PAGE)
    assert len(links) > 50
    assert set(links) <= set(headings)


@pytest.mark.parametrize(
    ("path", "kind", "default", "limits"),
    [
        ("hyperdrive.spec.limits.maxTotalTrials", "integer", "*required*", "at least 1; at most 10000"),
        ("hyperdrive.spec.limits.maxConcurrentTrials", "integer", "`3`", "at least 1; at most 1000"),
        ("hyperdrive.spec.objective.goal", "string", "*required*", "one of `Maximize`, `Minimize`"),
        ("hyperdrive.spec.objective", "[object](#hyperdrivespecobjective)", "*required*", "immutable"),
        (
            "hyperdrive.spec.searchSpace",
            "list of [object](#hyperdrivespecsearchspace)",
            "*required*",
            "1 to 100 items; immutable",
        ),
        ("hyperdrive.spec.searchSpace.qUniform.q", "number", "*required*", "above 0"),
        ("hyperdrive.spec.searchSpace.choice.values", "list of any JSON", "*required*", "1 to 1000 items"),
        ("hyperdrive.spec.trialTemplate.spec", "any object", "*required*", ""),
        (
            "hyperdrive.spec.trialTemplate.metadata.labels",
            "map to string",
            "",
            "at most 64 entries; each at most 4096 characters",
        ),
        ("hyperdrive.status.startTime", "date-time", "", ""),
        ("hyperdrive.spec.samplingAlgorithm.sobol.scramble", "boolean", "`true`", ""),
    ],
)
def test_a_row(path: str, kind: str, default: str, limits: str) -> None:
    assert rows()[path][1:4] == [kind, default, limits]


def test_long_or_odd_words_do_not_break_a_table() -> None:
    crd: Any = {
        "spec": {
            "names": {"singular": "odd", "plural": "odds", "shortNames": ["o"]},
            "versions": [
                {
                    "additionalPrinterColumns": [],
                    "schema": {
                        "openAPIV3Schema": {
                            "properties": {
                                "x": {
                                    "type": "string",
                                    "description": "one | two\n\n<b>three</b> $(params.x) " + "word " * 500,
                                    "pattern": "^(a|b`)$",
                                }
                            }
                        }
                    },
                }
            ],
        }
    }
    (row,) = [line for line in reference([crd]).splitlines() if line.startswith("| `x`")]
    cells = CELLS.split(row)
    assert len(cells) == 7
    assert cells[4].strip() == r"matches ``^(a\|b`)$``"
    assert cells[5].strip().startswith(r"one \| two &lt;b>three&lt;/b> `$(params.x)` word word")
