"""What the real server fills in on objects of built-in kinds. Everything is set in place."""

from typing import Any

from hyperdrive_local.objects import Object

PodSpec = dict[str, Any]

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
FILE_MODE = 0o644  # of files made from config maps, secrets and the downward API
NOT_READY_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for what in ("not-ready", "unreachable")
]


def set_defaults(kind: str, obj: Object) -> None:
    """Fill in what an object of a built-in kind leaves out."""
    if setter := SETTERS.get(kind):
        setter(obj)


def job(obj: Object) -> None:
    """Defaults of batch/v1 Job."""
    spec = obj.setdefault("spec", {})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    for key, value in {
        "parallelism": 1,
        "completionMode": "NonIndexed",
        "manualSelector": False,
        "suspend": False,
    }.items():
        spec.setdefault(key, value)
    spec.setdefault("backoffLimit", 2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6)
    replacement = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    spec.setdefault("podReplacementPolicy", replacement)
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or []:
        for pattern in rule.get("onPodConditions") or []:
            pattern.setdefault("status", "True")
    pod_spec(spec.setdefault("template", {}).setdefault("spec", {}), in_template=True)


def label_job(obj: Object) -> None:
    """The labels and the selector by which a Job finds its pods: from its uid, so only once that is known."""
    spec = obj["spec"]
    if spec.get("manualSelector"):
        return
    metadata = obj["metadata"]
    uid, name = metadata["uid"], metadata["name"]
    labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    template = spec["template"].setdefault("metadata", {})
    template["labels"] = {**(template.get("labels") or {}), **labels}
    # since Kubernetes 1.27 the Job itself shows the labels of its template
    metadata["labels"] = {**(metadata.get("labels") or {}), **template["labels"]}
    selector = spec.setdefault("selector", {})
    selector.setdefault("matchLabels", {})["batch.kubernetes.io/controller-uid"] = uid


def pod(obj: Object) -> None:
    """Defaults of v1 Pod, those of admission included."""
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    spec.setdefault("serviceAccountName", spec.get("serviceAccount") or "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec.setdefault("priority", 0)
    tolerations = spec.setdefault("tolerations", [])
    present = {toleration.get("key") for toleration in tolerations}
    tolerations.extend(dict(toleration) for toleration in NOT_READY_TOLERATIONS if toleration["key"] not in present)
    for container in (spec.get("initContainers") or []) + (spec.get("containers") or []):
        resources = container["resources"]
        for what, quantity in (resources.get("limits") or {}).items():
            resources.setdefault("requests", {}).setdefault(what, quantity)


def pod_spec(spec: PodSpec, *, in_template: bool = False) -> None:
    """Defaults of a PodSpec, in a pod or in a template."""
    if not in_template:
        # a Job's template must say it; defaulted, the error would name the wrong value
        spec.setdefault("restartPolicy", "Always")
    for key, value in {
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
    }.items():
        spec.setdefault(key, value)
    spec.setdefault("securityContext", {})
    for container in (spec.get("initContainers") or []) + (spec.get("containers") or []):
        if isinstance(container, dict):
            _container(container)
    for volume in spec.get("volumes") or []:
        if isinstance(volume, dict):
            _volume(volume)


def _container(container: dict[str, Any]) -> None:
    container.setdefault("resources", {})
    for amounts in ("limits", "requests"):
        for what, quantity in (container["resources"].get(amounts) or {}).items():
            container["resources"][amounts][what] = str(quantity)
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", pull_policy(str(container.get("image", ""))))
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or []:
        if reference := (variable.get("valueFrom") or {}).get("fieldRef"):
            reference.setdefault("apiVersion", "v1")
        if resource := (variable.get("valueFrom") or {}).get("resourceFieldRef"):
            resource.setdefault("divisor", "0")
    for name in PROBES:
        if probe := container.get(name):
            _probe(probe)


def _probe(probe: dict[str, Any]) -> None:
    for key, value in {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}.items():
        probe.setdefault(key, value)
    if get := probe.get("httpGet"):
        get.setdefault("path", "/")
        get.setdefault("scheme", "HTTP")


def _volume(volume: dict[str, Any]) -> None:
    sources = volume.keys() - {"name"}
    if not sources:
        volume["emptyDir"] = {}
    for source in sources & {"configMap", "secret", "downwardAPI", "projected"}:
        volume[source].setdefault("defaultMode", FILE_MODE)
    if path := volume.get("hostPath"):
        path.setdefault("type", "")


def pull_policy(image: str) -> str:
    """Always for `latest`, given or meant; a digest or another tag is pulled once."""
    if "@" in image:
        return "IfNotPresent"
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if tag in {"", "latest"} else "IfNotPresent"


def namespace(obj: Object) -> None:
    """Defaults of v1 Namespace."""
    metadata = obj["metadata"]
    if name := metadata.get("name"):
        metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": name}


def deployment(obj: Object) -> None:
    """Defaults of apps/v1 Deployment."""
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    template = spec.setdefault("template", {})
    pod_spec(template.setdefault("spec", {}))


def custom_resource_definition(obj: Object) -> None:
    """Defaults of apiextensions.k8s.io/v1 CustomResourceDefinition."""
    spec = obj.setdefault("spec", {})
    spec.setdefault("conversion", {"strategy": "None"})
    names = spec.setdefault("names", {})
    if kind := names.get("kind"):
        names.setdefault("singular", str(kind).lower())
        names.setdefault("listKind", f"{kind}List")


SETTERS = {
    "Job": job,
    "Pod": pod,
    "Namespace": namespace,
    "Deployment": deployment,
    "CustomResourceDefinition": custom_resource_definition,
}


def initial_status(kind: str, obj: Object) -> None:
    """The status that a new object of a built-in kind has: what its creator sent is dropped."""
    if kind == "Pod":
        obj["status"] = {"phase": "Pending", "qosClass": quality_of_service(obj["spec"])}
    elif kind == "Namespace":
        obj["status"] = {"phase": "Active"}
        # for the namespace controller, which empties it before it goes
        obj["spec"] = {"finalizers": ["kubernetes"]}
    elif kind in {"Job", "Deployment", "Node"} and (kind != "Node" or "status" not in obj):
        obj["status"] = {}
    elif kind == "CustomResourceDefinition":
        obj.pop("status", None)


def quality_of_service(spec: PodSpec) -> str:
    """BestEffort without any requests or limits, Guaranteed if all are limited to what they request."""
    amounts = [
        (container["resources"].get("limits") or {}, container["resources"].get("requests") or {})
        for container in (spec.get("initContainers") or []) + (spec.get("containers") or [])
        if isinstance(container, dict)
    ]
    if not any(limits or requests for limits, requests in amounts):
        return "BestEffort"
    guaranteed = all(limits == requests and {"cpu", "memory"} <= limits.keys() for limits, requests in amounts)
    return "Guaranteed" if guaranteed else "Burstable"
