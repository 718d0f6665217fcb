"""What values the chart refuses, in which words; and that values.yaml, schema and README tell the same."""

import json
import re
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from tests.support.helm import CHART, HelmError, Object, needs_helm, render

from hyperdrive_operator.tools.chart_values import ChartValues

WRONG = [
    pytest.param({"imgae": {"tag": "1"}}, "additional properties 'imgae' not allowed", id="typing error"),
    pytest.param({"image": {"tga": "1"}}, "at '/image': additional properties 'tga' not allowed", id="deeper"),
    pytest.param({"replicas": "two"}, "at '/replicas': got string, want integer", id="no number"),
    pytest.param({"replicas": -1}, "at '/replicas': minimum", id="below zero"),
    pytest.param({"image": {"pullPolicy": "Sometimes"}}, "at '/image/pullPolicy': value must be one of", id="enum"),
    pytest.param({"image": {"repository": "a/b:1"}}, "at '/image/repository': 'a/b:1' does not match", id="tag in it"),
    pytest.param({"image": {"digest": "sha256:1"}}, "at '/image/digest'", id="digest"),
    pytest.param({"imagePullSecrets": ["registry"]}, "at '/imagePullSecrets/0': got string, want object", id="secret"),
    pytest.param({"watchNamespaces": "team-a"}, "at '/watchNamespaces': got string, want array", id="no list"),
    pytest.param({"watchNamespaces": ["Team_A"]}, "at '/watchNamespaces/0': 'Team_A' does not match", id="namespace"),
    pytest.param({"watchNamespaces": ["a", "a"]}, "at '/watchNamespaces': items at 0 and 1 are equal", id="twice"),
    pytest.param({"logging": {"level": "loud"}}, "at '/logging/level': value must be one of", id="level"),
    pytest.param({"crds": {"keep": "yes"}}, "at '/crds/keep': got string, want boolean", id="no boolean"),
    pytest.param({"metrics": {"bestValues": 10001}}, "at '/metrics/bestValues': maximum", id="too many series"),
    pytest.param({"commonLabels": {"a b": "c"}}, "at '/commonLabels': additional properties 'a b'", id="label's key"),
    pytest.param({"podLabels": {"a": "b c"}}, "at '/podLabels/a': 'b c' does not match", id="label"),
    pytest.param({"podAnnotations": {"a": 1}}, "at '/podAnnotations/a': got number, want string", id="annotation"),
    pytest.param({"resources": {"limit": {}}}, "at '/resources': additional properties 'limit'", id="resources"),
    pytest.param({"podSecurityContext": {"runAsUser": 0}}, "at '/podSecurityContext/runAsUser'", id="root"),
    pytest.param({"podDisruptionBudget": {"maxUnavailable": "x"}}, "at '/podDisruptionBudget/maxUnavailable'", id="x"),
    pytest.param({"serviceMonitor": {"interval": "soon"}}, "at '/serviceMonitor/interval': 'soon'", id="duration"),
    pytest.param({"networkPolicy": {"apiServerPorts": []}}, "at '/networkPolicy/apiServerPorts': minItems", id="ports"),
    pytest.param({"networkPolicy": {"apiServerPorts": [0]}}, "at '/networkPolicy/apiServerPorts/0'", id="port"),
    pytest.param({"reporter": {"serviceAccount": ""}}, "at '/reporter/serviceAccount': '' does not match", id="nobody"),
]


@needs_helm
@pytest.mark.parametrize(("values", "message"), WRONG)
def test_a_wrong_value_is_refused_by_its_name(values: Object, message: str) -> None:
    with pytest.raises(HelmError, match=re.escape(message)):
        render(values)


@pytest.mark.parametrize(("values", "message"), [row for row in WRONG if row.id != "twice"])
def test_the_models_refuse_the_same(values: Object, message: str) -> None:
    with pytest.raises(ValidationError):
        ChartValues.model_validate(values)


@needs_helm
def test_helms_own_values_are_taken() -> None:
    assert render({"global": {"anything": 1}})


def test_values_yaml_holds_the_defaults() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert values == ChartValues().model_dump(by_alias=True)


def schemas(schema: Any, path: str = "") -> Any:
    """Yield every schema with its path."""
    yield path, schema
    for name, one in schema.get("properties", {}).items():
        yield from schemas(one, f"{path}.{name}".lstrip("."))


def test_every_value_is_described_and_no_other_is_taken() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    found = dict(schemas(schema))
    assert len(found) > 60
    assert [path for path, one in found.items() if not one.get("description")] == []
    closed = [path for path, one in found.items() if "properties" in one and one["additionalProperties"] is not False]
    assert closed == []
    assert "$ref" not in json.dumps(schema)


def test_the_readme_has_a_row_for_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    wanted = [path for path, one in schemas(schema) if path and "properties" not in one and path != "global"]
    rows = re.findall(
        r"^\| `([^`]+)` \| `[^`]*` \| \S.* \|$", (CHART / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == wanted


def test_every_value_is_read_by_a_template() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*") if path.is_file())
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    unread = []
    for path, one in schemas(schema):
        last = path.rpartition(".")[2]
        whole = path.partition(".")[0] == "resources" or path in {"", "global"}
        if not whole and "properties" not in one and f".{last}" not in templates:
            unread.append(path)
    assert unread == []
