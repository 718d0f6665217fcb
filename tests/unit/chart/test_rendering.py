"""What the chart makes of each value, and that by default it is what manifests/install.yaml installs."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.helm import CHART, NAMESPACE, ROOT, HelmError, Object, helm, kinds, named, needs_helm, only, render

pytestmark = needs_helm

DIGEST = "sha256:" + "0123456789abcdef" * 4
TERM = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [TERM]}}}


def pod(values: Object) -> Any:
    """Return the pod's spec."""
    return only(render(values), "Deployment")["spec"]["template"]["spec"]


def container(values: Object) -> Any:
    """Return the operator's container."""
    (found,) = pod(values)["containers"]
    return found


def test_helm_finds_nothing_to_say_against_it() -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))


def test_by_default_it_installs_what_install_yaml_does() -> None:
    ours = list(yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text(encoding="utf-8")))
    expected = named([one for one in ours if one["kind"] != "Namespace"])  # helm's --create-namespace makes that
    assert named([_without_helms_own(one) for one in render({"crds": {}})]) == expected


def _without_helms_own(one: Object) -> Object:
    metadata = one["metadata"]
    for label in ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"):
        metadata["labels"].pop(label)
    if one["kind"] == "CustomResourceDefinition":
        assert metadata.pop("annotations") == {"helm.sh/resource-policy": "keep"}
        del metadata["labels"]
    return one


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"imagePullSecrets": [{"name": "registry"}]}, "imagePullSecrets", [{"name": "registry"}]),
        ({"nodeSelector": {"disk": "ssd"}}, "nodeSelector", {"disk": "ssd"}),
        ({"affinity": AFFINITY}, "affinity", AFFINITY),
        ({"tolerations": [{"key": "a", "operator": "Exists"}]}, "tolerations", [{"key": "a", "operator": "Exists"}]),
        (
            {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone"}]},
            "topologySpreadConstraints",
            [{"maxSkew": 1, "topologyKey": "zone"}],
        ),
        ({"priorityClassName": "high"}, "priorityClassName", "high"),
        ({"serviceAccount": {"create": False}}, "serviceAccountName", "default"),
        ({"serviceAccount": {"name": "tuner"}}, "serviceAccountName", "tuner"),
    ],
)
def test_a_value_of_the_pod(values: Object, field: str, expected: Any) -> None:
    assert pod(values)[field] == expected


def test_a_user_of_openshifts_choice() -> None:
    without = pod({"podSecurityContext": {"runAsUser": None, "runAsGroup": None}})["securityContext"]
    assert without == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod({"podSecurityContext": {"runAsUser": 1000660000}})["securityContext"]["runAsUser"] == 1000660000


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"image": {"tag": "1.2", "repository": "a.example:5000/b/c"}}, "image", "a.example:5000/b/c:1.2"),
        ({"image": {"tag": "1.2", "repository": "a/b", "digest": DIGEST}}, "image", f"a/b@{DIGEST}"),
        ({"image": {"pullPolicy": "Always"}}, "imagePullPolicy", "Always"),
        ({"resources": {"limits": {"cpu": 2}}}, "resources.limits", {"cpu": 2, "memory": "512Mi"}),
        ({"watchNamespaces": ["team-a", "team-b"]}, "args", ["--namespaces=team-a,team-b"]),
        ({"logging": {"level": "debug", "format": "text"}}, "args", ["--log-level=debug", "--log-format=text"]),
        ({"logging": {"level": "error"}, "extraArgs": ["--workers=8"]}, "args", ["--log-level=error", "--workers=8"]),
        ({"metrics": {"bestValues": 0}}, "args", ["--best-values=0"]),
        ({"metrics": {"bestValues": 2500}}, "args", ["--best-values=2500"]),
    ],
)
def test_a_value_of_the_container(values: Object, field: str, expected: Any) -> None:
    found = container(values)
    for part in field.split("."):
        found = found[part]
    # what every installation passes stands first
    assert found[-len(expected) :] == expected if field == "args" else found == expected


def test_more_environment_variables_are_added_to_its_own() -> None:
    proxy = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    assert container({"extraEnv": [proxy]})["env"] == [*container({})["env"], proxy]


def test_labels_and_annotations() -> None:
    objects = render(
        {"commonLabels": {"team": "ml"}, "podLabels": {"a": "b"}, "podAnnotations": {"c": "d"}, "replicas": 3}
    )
    assert [one["metadata"]["name"] for one in objects if one["metadata"]["labels"].get("team") != "ml"] == []
    deployment = only(objects, "Deployment")["spec"]
    about = deployment["template"]["metadata"]
    assert deployment["replicas"] == 3
    assert about["annotations"] == {"c": "d"}
    assert (about["labels"]["team"], about["labels"]["a"]) == ("ml", "b")
    assert deployment["selector"]["matchLabels"].items() <= about["labels"].items()
    assert "team" not in deployment["selector"]["matchLabels"], "a selector can't be changed later"


def test_no_label_of_the_users_takes_the_place_of_ours() -> None:
    stolen = {"app.kubernetes.io/name": "other"}
    deployment = only(render({"commonLabels": stolen, "podLabels": stolen}), "Deployment")
    assert deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "hyperdrive-operator"


def test_names_follow_the_release() -> None:
    assert only(render(release="tuning"), "Deployment")["metadata"]["name"] == "tuning-hyperdrive-operator"
    objects = render({"fullnameOverride": "hd"}, release="tuning")
    assert {one["metadata"]["name"] for one in objects} - {"hd-own"} == {"hd", "hd-view", "hd-edit", "hd-admin"}
    binding = only(objects, "ClusterRoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "hd", "namespace": NAMESPACE}]


# --- permissions -----------------------------------------------------------------------------------------------------


def test_with_namespaces_it_has_a_role_in_each_and_no_cluster_role() -> None:
    objects = render({"watchNamespaces": ["team-a", "team-b"]})
    assert not {kind for kind in kinds(objects) if kind.startswith("ClusterRole")}
    by_name = named(objects)
    cluster_wide = only(render(), "ClusterRoleBinding")
    rules = named(render())["ClusterRole", "", "hyperdrive-operator"]["rules"]
    for namespace in ("team-a", "team-b"):
        assert by_name["Role", namespace, "hyperdrive-operator"]["rules"] == rules
        binding = by_name["RoleBinding", namespace, "hyperdrive-operator"]
        assert binding["roleRef"]["kind"] == "Role"
        assert binding["subjects"] == cluster_wide["subjects"]


def test_permissions_and_account_can_be_somebody_elses() -> None:
    objects = render({"rbac": {"create": False, "userRoles": False}, "serviceAccount": {"create": False, "name": "x"}})
    assert kinds(objects) == {"Deployment"}
    assert {
        one["metadata"]["name"] for one in render({"rbac": {"userRoles": False}}) if one["kind"] == "ClusterRole"
    } == {"hyperdrive-operator"}


def test_annotations_of_the_account() -> None:
    found = only(render({"serviceAccount": {"annotations": {"a/b": "c"}}}), "ServiceAccount")
    assert found["metadata"]["annotations"] == {"a/b": "c"}


def test_reporters_get_an_account_and_a_role_in_each_namespace() -> None:
    by_name = named(render({"reporter": {"namespaces": ["team-a", "team-b"], "serviceAccount": "learner"}}))
    manifest = list(yaml.safe_load_all((ROOT / "manifests" / "reporter-role.yaml").read_text(encoding="utf-8")))
    for namespace in ("team-a", "team-b"):
        assert ("ServiceAccount", namespace, "learner") in by_name
        assert by_name["Role", namespace, "hyperdrive-reporter"]["rules"] == only(manifest, "Role")["rules"]
        (subject,) = by_name["RoleBinding", namespace, "hyperdrive-reporter"]["subjects"]
        assert subject == {"kind": "ServiceAccount", "name": "learner", "namespace": namespace}
    there = named(render({"reporter": {"namespaces": ["team-a"], "createServiceAccount": False}}))
    assert ("ServiceAccount", "team-a", "trainer") not in there


# --- CRDs ------------------------------------------------------------------------------------------------------------


def test_crds_are_kept_unless_told_otherwise() -> None:
    objects = render({"crds": {"annotations": {"a": "b"}}})
    found = [one["metadata"]["annotations"] for one in objects if one["kind"] == "CustomResourceDefinition"]
    assert found == [{"helm.sh/resource-policy": "keep", "a": "b"}] * 2
    dropped = [one for one in render({"crds": {"keep": False}}) if one["kind"] == "CustomResourceDefinition"]
    assert ["annotations" in one["metadata"] for one in dropped] == [False, False]


def test_crds_can_be_left_to_somebody_else() -> None:
    assert kinds(render({"crds": {}})) - kinds(render({"crds": {"install": False}})) == {"CustomResourceDefinition"}


# --- what is off by default ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "made"),
    [
        ("podDisruptionBudget", {"PodDisruptionBudget"}),
        ("metricsService", {"Service"}),
        ("serviceMonitor", {"Service", "ServiceMonitor"}),
        ("networkPolicy", {"NetworkPolicy"}),
    ],
)
def test_a_switch_makes_its_objects_and_nothing_else(switch: str, made: set[str]) -> None:
    before, after = named(render()), named(render({switch: {"enabled": True}}))
    assert {kind for kind, _, _ in after.keys() - before.keys()} == made
    assert {key: after[key] for key in before} == before


def test_a_disruption_budget() -> None:
    def spec(replicas: int, **values: Any) -> Any:
        budget = {"enabled": True, **values}
        found = only(render({"podDisruptionBudget": budget, "replicas": replicas}), "PodDisruptionBudget")["spec"]
        assert found.pop("selector") == only(render(), "Deployment")["spec"]["selector"]
        return found

    assert spec(1) == {"maxUnavailable": 1}
    assert spec(1, maxUnavailable="50%") == {"maxUnavailable": "50%"}
    assert spec(2, minAvailable=1) == {"minAvailable": 1}
    assert spec(2, minAvailable=0) == {"minAvailable": 0}
    with pytest.raises(HelmError, match=r"podDisruptionBudget\.minAvailable is 2 and replicas 2: no node could be dr"):
        spec(2, minAvailable=2)


def test_metrics() -> None:
    objects = render(
        {
            "metricsService": {"port": 9090, "annotations": {"a": "b"}, "labels": {"c": "d"}},
            "serviceMonitor": {
                "enabled": True,
                "namespace": "monitoring",
                "labels": {"release": "prometheus"},
                "interval": "30s",
                "scrapeTimeout": "10s",
                "relabelings": [{"action": "labeldrop", "regex": "pod"}],
                "metricRelabelings": [{"action": "drop", "regex": "x"}],
            },
        }
    )
    service, monitor = only(objects, "Service"), only(objects, "ServiceMonitor")
    assert service["spec"]["ports"] == [{"name": "http", "port": 9090, "targetPort": "http"}]
    assert (service["metadata"]["annotations"], service["metadata"]["labels"]["c"]) == ({"a": "b"}, "d")
    assert service["spec"]["selector"] == only(objects, "Deployment")["spec"]["selector"]["matchLabels"]
    assert monitor["metadata"]["namespace"] == "monitoring"
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": [NAMESPACE]}
    assert monitor["spec"]["endpoints"] == [
        {
            "port": "http",
            "path": "/metrics",
            "honorLabels": True,  # else a sweep's namespace becomes exported_namespace
            "interval": "30s",
            "scrapeTimeout": "10s",
            "relabelings": [{"action": "labeldrop", "regex": "pod"}],
            "metricRelabelings": [{"action": "drop", "regex": "x"}],
        }
    ]


def test_a_network_policy_lets_nobody_in_unless_told() -> None:
    policy = only(render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]
    assert policy["podSelector"] == only(render(), "Deployment")["spec"]["selector"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == []
    ports = [sorted((port["protocol"], port["port"]) for port in rule["ports"]) for rule in policy["egress"]]
    assert ports == [[("TCP", 443), ("TCP", 6443)], [("TCP", 53), ("UDP", 53)]]
    assert not any("to" in rule for rule in policy["egress"])


def test_a_network_policy_with_peers() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    more = {"ports": [{"port": 3128, "protocol": "TCP"}]}
    values = {
        "enabled": True,
        "ingressFrom": [peer],
        "apiServerCidrs": ["10.0.0.1/32"],
        "apiServerPorts": [6443],
        "extraEgress": [more],
    }
    policy = only(render({"networkPolicy": values}), "NetworkPolicy")["spec"]
    assert policy["ingress"] == [{"from": [peer], "ports": [{"port": "http", "protocol": "TCP"}]}]
    assert policy["egress"][0] == {
        "ports": [{"port": 6443, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}],
    }
    assert policy["egress"][2:] == [more]


@pytest.fixture
def chart_with_files(tmp_path: Path) -> Path:
    """The chart with alerts and a dashboard of the test's own, whatever it ships."""
    copy = shutil.copytree(CHART, tmp_path / "chart")
    (copy / "files").mkdir(exist_ok=True)
    rule = {"alert": "Down", "expr": "up == 0", "annotations": {"summary": "{{ $labels.pod }} is down"}}
    (copy / "files" / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "ours", "rules": [rule]}]}))
    (copy / "files" / "dashboard.json").write_text('{\n  "title": "{{pod}} and $x"\n}\n')
    return copy


def test_alerts_and_a_dashboard_are_taken_as_they_are(chart_with_files: Path) -> None:
    objects = render(
        {
            "prometheusRule": {"enabled": True, "labels": {"a": "b"}, "namespace": "monitoring"},
            "grafanaDashboard": {"enabled": True, "annotations": {"grafana_folder": "HyperDrive"}},
        },
        chart=chart_with_files,
    )
    rule, dashboard = only(objects, "PrometheusRule"), only(objects, "ConfigMap")
    (group,) = rule["spec"]["groups"]
    assert group["rules"][0]["annotations"]["summary"] == "{{ $labels.pod }} is down"
    assert (rule["metadata"]["namespace"], rule["metadata"]["labels"]["a"]) == ("monitoring", "b")
    assert yaml.safe_load(dashboard["data"]["hyperdrive.json"]) == {"title": "{{pod}} and $x"}
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert dashboard["metadata"]["annotations"] == {"grafana_folder": "HyperDrive"}


def test_groups_of_alerts_of_ones_own_are_added(chart_with_files: Path) -> None:
    values = {"enabled": True, "extraGroups": [{"name": "mine", "rules": []}]}
    found = only(render({"prometheusRule": values}, chart=chart_with_files), "PrometheusRule")
    assert [group["name"] for group in found["spec"]["groups"]] == ["ours", "mine"]


def test_a_chart_without_alerts_or_dashboard_says_so(chart_with_files: Path) -> None:
    shutil.rmtree(chart_with_files / "files")
    with pytest.raises(HelmError, match=r"prometheusRule\.enabled: this chart has no files/rules\.yaml"):
        render({"prometheusRule": {"enabled": True}}, chart=chart_with_files)
    with pytest.raises(HelmError, match=r"grafanaDashboard\.enabled: this chart has no files/dashboard\.json"):
        render({"grafanaDashboard": {"enabled": True}}, chart=chart_with_files)


def test_the_notes_say_the_next_step() -> None:
    def notes(*arguments: str) -> str:
        return helm("install", "x", str(CHART), "--dry-run=client", "--namespace", "tuning", *arguments)

    said = notes("--set", "watchNamespaces={team-a}", "--set", "replicas=0", "--set", "crds.install=false")
    assert "runs the sweeps of team-a" in said
    assert "kubectl -n tuning rollout status deployment/x-hyperdrive-operator" in said
    assert "kubectl apply -n team-a -f my-sweep.yaml" in said
    assert "replicas is 0: nothing runs yet" in said
    assert "crds.install is false" in said
    assert "runs the sweeps of all namespaces" in notes()
