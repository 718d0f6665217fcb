"""From models to CRDs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field

from hyperdrive_operator.api.schema import custom_resource_definitions, structural
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, Model, Number
from hyperdrive_operator.api.v1alpha1.search_space import EXPRESSIONS
from hyperdrive_operator.tools.generate import generated_files, main

ROOT = Path(__file__).parents[3]
HYPERDRIVE, TRIAL = (crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in custom_resource_definitions())
SPEC = HYPERDRIVE["properties"]["spec"]

#: What a structural schema may not hold.
_FORBIDDEN = {"$ref", "$defs", "title", "anyOf", "oneOf", "const", "default-factory"}


def schemas(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, value in schema.get("properties", {}).items():
        yield from schemas(value, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from schemas(schema[key], f"{path}.{key}")


ALL = [*schemas(HYPERDRIVE), *schemas(TRIAL)]


def test_nothing_is_in_it_that_a_crd_may_not_hold() -> None:
    assert [path for path, schema in ALL if _FORBIDDEN & schema.keys()] == []
    typed = {"type", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"}
    assert [path for path, schema in ALL if not typed & schema.keys()] == []


def test_every_field_has_a_description() -> None:
    fields = [(path, schema) for path, schema in schemas(SPEC) if path and not path.endswith(("items", "Properties"))]
    assert [path for path, schema in fields if not schema.get("description")] == []


@pytest.mark.parametrize("expression", [name for name in EXPRESSIONS if name not in {"choice", "randint"}])
def test_a_bound_may_be_whole_or_not(expression: str) -> None:
    fields = SPEC["properties"]["searchSpace"]["items"]["properties"][expression]["properties"]
    assert {field["type"] for field in fields.values()} == {"number"}


def test_a_step_is_above_zero() -> None:
    step = SPEC["properties"]["searchSpace"]["items"]["properties"]["qUniform"]["properties"]["q"]
    assert (step["minimum"], step["exclusiveMinimum"]) == (0, True)


def test_defaults_are_written_into_every_object() -> None:
    algorithm = SPEC["properties"]["samplingAlgorithm"]
    assert algorithm["default"] == {}
    defaults = {name: field["default"] for name, field in algorithm["properties"].items() if "default" in field}
    assert defaults == {"type": "Random", "seed": 0}
    assert SPEC["properties"]["metrics"]["default"] == {}
    assert SPEC["properties"]["limits"]["properties"]["maxConcurrentTrials"]["default"] == 3
    assert TRIAL["properties"]["status"]["default"] == {}


def test_what_is_optional_has_no_default_of_null() -> None:
    assert [path for path, schema in ALL if "default" in schema and schema["default"] in (None, "", [])] == []


def test_only_what_has_no_default_is_required() -> None:
    assert set(SPEC["required"]) == {"objective", "searchSpace", "limits", "trialTemplate"}


def test_the_template_and_the_values_are_free() -> None:
    template = SPEC["properties"]["trialTemplate"]["properties"]["spec"]
    assert (template["type"], template["x-kubernetes-preserve-unknown-fields"]) == ("object", True)
    values = SPEC["properties"]["searchSpace"]["items"]["properties"]["choice"]["properties"]["values"]
    assert values["items"] == {"x-kubernetes-preserve-unknown-fields": True}


def test_parameters_are_a_map_by_name() -> None:
    space = SPEC["properties"]["searchSpace"]
    assert (space["x-kubernetes-list-type"], space["x-kubernetes-list-map-keys"]) == ("map", ["name"])


@pytest.mark.parametrize("field", ["objective", "searchSpace", "samplingAlgorithm"])
def test_what_makes_trials_comparable_is_immutable(field: str) -> None:
    rules = SPEC["properties"][field]["x-kubernetes-validations"]
    (message,) = [rule["message"] for rule in rules if rule["rule"] == "self == oldSelf"]
    assert message.startswith(f"{field} is immutable")


@pytest.mark.parametrize("field", ["limits", "trialTemplate", "metrics"])
def test_the_rest_can_be_changed_while_it_runs(field: str) -> None:
    assert "oldSelf" not in str(SPEC["properties"][field])


def test_every_list_and_text_of_the_search_space_has_a_bound() -> None:
    # the cost of CEL rules is reckoned from them
    lists = [schema for _, schema in schemas(SPEC["properties"]["searchSpace"]) if schema.get("type") == "array"]
    assert all("maxItems" in schema for schema in lists)


def test_printer_columns_point_at_fields_that_exist() -> None:
    for crd in custom_resource_definitions():
        version = crd["spec"]["versions"][0]
        known = {path for path, _ in schemas(version["schema"]["openAPIV3Schema"])}
        paths = [column["jsonPath"].partition("[")[0] for column in version["additionalPrinterColumns"]]
        assert [path for path in paths if path not in known and not path.startswith(".metadata")] == []


def test_a_union_of_types_is_refused_rather_than_guessed() -> None:
    class Odd(Model):
        value: int | str = Field(description="Odd.")

    with pytest.raises(TypeError, match="union of 2 types"):
        structural(Odd)


def test_an_optional_number_is_a_number() -> None:
    class Optional(Model):
        value: Number | None = Field(default=None, description="A number or none.")

    assert structural(Optional)["properties"]["value"] == {"type": "number", "description": "A number or none."}


def test_the_generated_files_are_not_stale() -> None:
    assert main(["--check", "--root", str(ROOT)]) == 0


def test_generating_writes_what_is_stale_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 0
    crd = yaml.safe_load((tmp_path / "crds" / "hyperdrives.yaml").read_text())
    assert crd == custom_resource_definitions()[0]
    top = {path.parts[0] for path in generated_files()}
    assert top == {"crds", "manifests", "charts", "docs"}


def test_names_in_the_manifest_are_camel_case() -> None:
    assert {"primaryMetric", "goal", "target", "additionalObjectives"} == set(
        SPEC["properties"]["objective"]["properties"]
    )
    assert HyperDriveSpec.model_fields["search_space"].alias == "searchSpace"
