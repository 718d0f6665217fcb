"""Jobs, pods and their templates: defaults, rules, patches, graceful ends."""

from typing import Any

from tests.contract.client import STRATEGIC, Api

POD_SPEC = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1"}]}


def job(name: str, **spec: Any) -> dict[str, Any]:
    """A Job that no controller starts."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"suspend": True, "template": {"spec": POD_SPEC}} | spec,
    }


def pod(name: str, **spec: Any) -> dict[str, Any]:
    """A pod that no scheduler places."""
    return {"metadata": {"name": name}, "spec": POD_SPEC | {"schedulerName": "nobody"} | spec}


async def test_a_job_gets_its_defaults_its_selector_and_its_labels(api: Api, namespace: str) -> None:
    made = await api.made(f"/apis/batch/v1/namespaces/{namespace}/jobs", job("j"))
    uid, spec = made["metadata"]["uid"], made["spec"]
    labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": uid,
        "job-name": "j",
    }
    assert made["metadata"]["labels"] == labels
    assert spec["template"]["metadata"]["labels"] == labels
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    del spec["selector"], spec["template"]["metadata"]
    assert spec == {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "manualSelector": False,
        "completionMode": "NonIndexed",
        "suspend": True,
        "podReplacementPolicy": "TerminatingOrFailed",
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "main",
                        "image": "busybox:1",
                        "resources": {},
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                        "imagePullPolicy": "IfNotPresent",
                    }
                ],
                "terminationGracePeriodSeconds": 30,
                "dnsPolicy": "ClusterFirst",
                "securityContext": {},
                "schedulerName": "default-scheduler",
            }
        },
    }


async def test_nested_defaults_of_a_pod_template(api: Api, namespace: str) -> None:
    container = {
        "name": "main",
        "image": "busybox",
        "ports": [{"containerPort": 80}],
        "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
        "livenessProbe": {"httpGet": {"port": 80}},
    }
    volumes = [{"name": "a"}, {"name": "b", "configMap": {"name": "z"}}]
    template = {"spec": {"restartPolicy": "Never", "containers": [container], "volumes": volumes}}
    made = await api.made(f"/apis/batch/v1/namespaces/{namespace}/jobs", job("j", template=template))
    spec = made["spec"]["template"]["spec"]
    assert spec["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "configMap": {"name": "z", "defaultMode": 420}},
    ]
    main = spec["containers"][0]
    assert main["imagePullPolicy"] == "Always"
    assert main["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert main["env"][0]["valueFrom"] == {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    assert main["resources"] == {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert main["livenessProbe"] == {
        "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


async def test_bad_jobs_are_refused(api: Api, namespace: str) -> None:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    bad = await api.post(path, job("j", parallelism=-1, template={"spec": {"containers": []}}))
    assert bad.code == 422
    assert bad.message == (
        'Job.batch "j" is invalid: [spec.parallelism: Invalid value: -1: must be greater than or equal to 0, '
        "spec.template.spec.containers: Required value, "
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"]'
    )
    unknown = await api.post(path, job("j", foo=1), fieldValidation="Strict")
    assert unknown.message == (
        'Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "spec.foo"'
    )
    typed = await api.post(path, job("j", parallelism="x"))
    assert (typed.code, typed.body["reason"]) == (400, "BadRequest")
    assert typed.message.startswith('Job in version "v1" cannot be handled as a Job: json: cannot unmarshal string')
    elsewhere = await api.post(path.replace(namespace, "no-such-namespace"), job("j"))
    assert (elsewhere.code, elsewhere.message) == (404, 'namespaces "no-such-namespace" not found')


async def test_a_dry_run_of_a_job_is_a_whole_job(api: Api, namespace: str) -> None:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    reply = await api.post(path, job("j"), dryRun="All")
    assert reply.code == 201
    assert reply.body["spec"]["backoffLimit"] == 6
    assert "resourceVersion" not in reply.body["metadata"]
    assert (await api.get(f"{path}/j")).code == 404


async def test_the_template_of_a_job_is_immutable(api: Api, namespace: str) -> None:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    await api.made(path, job("j"))
    change = {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}}
    reply = await api.patch(f"{path}/j", change)
    assert reply.code == 422
    assert reply.message.startswith('Job.batch "j" is invalid: spec.template')
    assert reply.message.endswith("field is immutable")


async def test_strategic_patches_merge_lists_by_key(api: Api, namespace: str) -> None:
    container = {"name": "main", "image": "busybox:1", "env": [{"name": "A", "value": "1"}]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    await api.made(path, job("j", template=template))
    # a suspended Job's scheduling may change, and so may the metadata of its template
    change = {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}, "spec": {"nodeSelector": {"x": "y"}}}}}
    patched = await api.patch(f"{path}/j", change, STRATEGIC)
    assert patched.code == 200, patched.body
    spec = patched.body["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"x": "y"}
    assert spec["containers"][0]["env"] == [{"name": "A", "value": "1"}]


async def test_strategic_patches_of_containers(api: Api, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    containers = [{"name": "a", "image": "a:1", "env": env}, {"name": "b", "image": "b:1"}]
    labels = {"app": "x"}
    await api.made(
        path,
        {
            "metadata": {"name": "d", "finalizers": ["example.com/one"]},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
            },
        },
    )
    change = {
        "metadata": {"finalizers": ["example.com/two"]},
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
                    "containers": [
                        {"name": "b", "$patch": "delete"},
                        {"name": "c", "image": "c:1"},
                        {"name": "a", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]},
                    ],
                }
            }
        },
    }
    patched = (await api.patch(f"{path}/d", change, STRATEGIC)).body
    assert sorted(patched["metadata"]["finalizers"]) == ["example.com/one", "example.com/two"]
    shown = patched["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in shown] == ["c", "a"]
    values = {variable["name"]: variable["value"] for variable in shown[1]["env"]}
    assert values == {"A": "1", "B": "3", "C": "4"}
    assert shown[1]["image"] == "a:1"
    await api.patch(f"{path}/d", {"metadata": {"finalizers": None}})
    await api.delete(f"{path}/d")


async def test_a_pod_that_was_not_placed_goes_at_once(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    made = await api.made(path, pod("p"))
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert made["spec"]["terminationGracePeriodSeconds"] == 30
    deleted = await api.delete(f"{path}/p")
    assert (deleted.code, deleted.body["kind"]) == (200, "Pod")
    assert (await api.get(f"{path}/p")).code == 404


async def test_a_placed_pod_is_given_its_time(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    # a node that is not there never reports the pod as gone
    await api.made(path, pod("p", nodeName=f"none-{namespace}"))
    deleted = await api.delete(f"{path}/p")
    assert deleted.body["metadata"]["deletionGracePeriodSeconds"] == 30
    again = await api.delete(f"{path}/p")
    assert again.version == deleted.version
    shorter = await api.delete(f"{path}/p", {"gracePeriodSeconds": 5})
    assert shorter.body["metadata"]["deletionGracePeriodSeconds"] == 5
    longer = await api.delete(f"{path}/p", gracePeriodSeconds="20")
    assert longer.body["metadata"]["deletionGracePeriodSeconds"] == 5
    await api.delete(f"{path}/p", gracePeriodSeconds="0")
    assert (await api.get(f"{path}/p")).code == 404


async def test_the_log_of_a_pod_that_is_nowhere(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    two = [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]
    await api.made(path, pod("p", containers=two))
    unnamed = await api.get(f"{path}/p/log")
    assert unnamed.code == 400
    assert unnamed.message == "a container name must be specified for pod p, choose one of: [a b]"
    wrong = await api.get(f"{path}/p/log", container="c")
    assert (wrong.code, wrong.message) == (400, "container c is not valid for pod p")
    missing = await api.get(f"{path}/q/log")
    assert (missing.code, missing.message) == (404, 'pods "q" not found')
    await api.delete(f"{path}/p")
