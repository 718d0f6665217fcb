"""The chart's values: their defaults, their limits and their words.

values.yaml, its schema and the README's table are made from these models, so that they can't differ.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from .install import IMAGE

_LABEL_KEY: Final = r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
Name = Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$")]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Namespaces = Annotated[list[Namespace], Field(json_schema_extra={"uniqueItems": True})]
Label = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")]
Labels = dict[Annotated[str, Field(pattern=_LABEL_KEY)], Label]
Annotations = dict[Annotated[str, Field(pattern=_LABEL_KEY)], str]
Duration = Annotated[str, Field(pattern=r"^([0-9]+(ms|s|m|h))*$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Objects = list[dict[str, Any]]
Quantity = str | int | float


class Values(BaseModel):
    """Values of the chart, or of one subject."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, validate_default=True)


class Image(Values):
    """image."""

    repository: str = Field(
        default=IMAGE.rpartition(":")[0], pattern=r"^[^\s:@]+(:[0-9]+/[^\s:@]+)?$", description="Without tag."
    )
    tag: str = Field(
        default="", pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$", description="Empty: the chart's appVersion."
    )
    digest: str = Field(
        default="", pattern=r"^(sha256:[0-9a-f]{64})?$", description="`sha256:...`; it wins over the tag."
    )
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(default="IfNotPresent", description="As in a pod.")


class LocalObject(Values):
    """One of imagePullSecrets."""

    name: str = Field(min_length=1, description="Name of the Secret.")


class ServiceAccount(Values):
    """serviceAccount."""

    create: bool = Field(default=True, description="`false`: `name` is there already.")
    name: Name = Field(default="", description="Empty: the release's name; without `create`: `default`.")
    annotations: Annotations = Field(default={}, description="Annotations of the service account.")


class Rbac(Values):
    """rbac."""

    create: bool = Field(default=True, description="Make the operator's roles and their bindings.")
    user_roles: bool = Field(
        default=True,
        description="Add sweeps to the cluster's roles `view`, `edit` and `admin`, by ClusterRoles. Not done with "
        "`watchNamespaces`, which makes no ClusterRole at all.",
    )


class Crds(Values):
    """crds."""

    install: bool = Field(default=True, description="Install the CRDs, and bring them up to date at each upgrade.")
    keep: bool = Field(
        default=True,
        description="Leave them when the release is uninstalled. Without them, all sweeps and results are gone.",
    )
    annotations: Annotations = Field(default={}, description="Annotations of the CRDs.")


class Logging(Values):
    """logging."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least that is logged.")
    format: Literal["json", "text"] = Field(default="json", description="One JSON object a line, or text for people.")


class Metrics(Values):
    """metrics."""

    best_values: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Sweeps whose best value is shown, each a series with the sweep's name: those that go on first, "
        "then the newest. `0`: none.",
    )


class Resources(Values):
    """resources."""

    requests: dict[str, Quantity] = Field(
        default={"cpu": "100m", "memory": "128Mi"}, description="What the pod asks for."
    )
    limits: dict[str, Quantity] = Field(
        default={"memory": "512Mi"},
        description="What it may use. The optimisers (Bayesian, CmaEs, NsgaII, Sobol) need 150 MB of it while at work.",
    )


class PodSecurityContext(Values):
    """podSecurityContext: the rest of it is fixed, as the restricted pod security standard has it."""

    run_as_user: Annotated[int, Field(ge=1)] | None = Field(
        default=65532, description="`null`: the image's own, or what OpenShift assigns to the namespace."
    )
    run_as_group: Annotated[int, Field(ge=1)] | None = Field(default=65532, description="`null`: as `runAsUser`.")


class PodDisruptionBudget(Values):
    """podDisruptionBudget."""

    enabled: bool = Field(default=False, description="Make a PodDisruptionBudget.")
    max_unavailable: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^[0-9]{1,3}%$")] = Field(
        default=1, description="Pods that a drain may take at a time, as a number or in percent."
    )
    min_available: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^[0-9]{1,3}%$")] | None = Field(
        default=None, description="Pods that must stay. It wins over `maxUnavailable`."
    )


class MetricsService(Values):
    """metricsService."""

    enabled: bool = Field(
        default=False, description="Make a Service of `/metrics`. A ServiceMonitor brings it by itself."
    )
    port: Port = Field(default=8080, description="Its port.")
    labels: Labels = Field(default={}, description="More labels.")
    annotations: Annotations = Field(default={}, description="Its annotations.")


class ServiceMonitor(Values):
    """serviceMonitor."""

    enabled: bool = Field(default=False, description="Make a ServiceMonitor, for Prometheus' operator.")
    namespace: Name = Field(default="", description="Where. Empty: the release's.")
    labels: Labels = Field(default={}, description="What your Prometheus selects it by.")
    interval: Duration = Field(default="", description="Between scrapes. Empty: Prometheus' own.")
    scrape_timeout: Duration = Field(default="", description="Of one scrape. Empty: Prometheus' own.")
    relabelings: Objects = Field(default=[], description="As in a ServiceMonitor.")
    metric_relabelings: Objects = Field(default=[], description="As in a ServiceMonitor.")


class PrometheusRule(Values):
    """prometheusRule."""

    enabled: bool = Field(default=False, description="Make a PrometheusRule with the alerts in `files/rules.yaml`.")
    namespace: Name = Field(default="", description="Where. Empty: the release's.")
    labels: Labels = Field(default={}, description="What your Prometheus selects it by.")
    extra_groups: Objects = Field(default=[], description="Groups of your own.")


class GrafanaDashboard(Values):
    """grafanaDashboard."""

    enabled: bool = Field(default=False, description="Make a ConfigMap with the dashboard in `files/dashboard.json`.")
    namespace: Name = Field(default="", description="Where. Empty: the release's.")
    labels: Labels = Field(default={"grafana_dashboard": "1"}, description="What Grafana's sidecar selects it by.")
    annotations: Annotations = Field(default={}, description="Its folder, say: `grafana_folder: HyperDrive`.")


class NetworkPolicy(Values):
    """networkPolicy."""

    enabled: bool = Field(default=False, description="Make a NetworkPolicy: only the API server and DNS are reached.")
    ingress_from: Objects = Field(
        default=[],
        description="Peers that may read `/metrics`, as in a NetworkPolicy. Empty: nobody but the node's kubelet.",
    )
    api_server_cidrs: list[str] = Field(
        default=[], description="Where the API server is, as CIDRs. Empty: any address."
    )
    api_server_ports: list[Port] = Field(default=[443, 6443], min_length=1, description="Its ports.")
    extra_egress: Objects = Field(default=[], description="More rules of egress: a proxy, say.")


class Reporter(Values):
    """reporter."""

    namespaces: Namespaces = Field(
        default=[],
        description="Namespaces whose training scripts report with hyperdrive-sdk: each gets a service account that "
        "may patch Jobs.",
    )
    service_account: Namespace = Field(
        default="trainer", description="Its name, for `serviceAccountName` in the trial's template."
    )
    create_service_account: bool = Field(default=True, description="`false`: it is there already.")


class ChartValues(Values):
    """All values."""

    name_override: Name = Field(default="", description="Instead of the chart's name in the names of objects.")
    fullname_override: Name = Field(default="", description="Instead of the release's and the chart's name.")
    common_labels: Labels = Field(default={}, description="Labels on every object, the pods included.")
    image: Image = Field(default=Image(), description="The operator's image.")
    image_pull_secrets: list[LocalObject] = Field(default=[], description="Secrets with the registry's credentials.")
    watch_namespaces: Namespaces = Field(
        default=[],
        description="Empty: sweeps of every namespace are run, by a ClusterRole. Else only of these, by a Role in "
        "each; they must exist.",
    )
    replicas: int = Field(default=1, ge=0, le=10, description="Operator pods.")
    logging: Logging = Field(default=Logging(), description="What the operator logs.")
    metrics: Metrics = Field(default=Metrics(), description="What the operator's metrics show.")
    extra_args: list[str] = Field(default=[], description="More flags of the operator (`--help` lists them).")
    extra_env: Objects = Field(default=[], description="More environment variables, as in a container.")
    service_account: ServiceAccount = Field(default=ServiceAccount(), description="Who the operator is.")
    rbac: Rbac = Field(default=Rbac(), description="What it may do, and what users may (`docs/security.md`).")
    crds: Crds = Field(default=Crds(), description="The definitions of HyperDrive and HyperDriveTrial.")
    resources: Resources = Field(default=Resources(), description="Of the operator's container.")
    node_selector: dict[str, str] = Field(default={}, description="As in a pod.")
    affinity: dict[str, Any] = Field(default={}, description="As in a pod.")
    tolerations: Objects = Field(default=[], description="As in a pod.")
    topology_spread_constraints: Objects = Field(default=[], description="As in a pod.")
    priority_class_name: str = Field(default="", description="As in a pod.")
    pod_labels: Labels = Field(default={}, description="More labels of the pods.")
    pod_annotations: Annotations = Field(default={}, description="Annotations of the pods.")
    pod_security_context: PodSecurityContext = Field(
        default=PodSecurityContext(), description="User and group of the pod."
    )
    pod_disruption_budget: PodDisruptionBudget = Field(
        default=PodDisruptionBudget(), description="For drains of nodes."
    )
    metrics_service: MetricsService = Field(default=MetricsService(), description="A Service of the metrics.")
    service_monitor: ServiceMonitor = Field(default=ServiceMonitor(), description="Scraping by Prometheus' operator.")
    prometheus_rule: PrometheusRule = Field(default=PrometheusRule(), description="Alerts.")
    grafana_dashboard: GrafanaDashboard = Field(default=GrafanaDashboard(), description="A dashboard.")
    network_policy: NetworkPolicy = Field(
        default=NetworkPolicy(), description="What the pod may reach, and who reaches it."
    )
    reporter: Reporter = Field(
        default=Reporter(), description="For scripts that report by themselves (`sdk/README.md`)."
    )
