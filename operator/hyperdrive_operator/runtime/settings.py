"""All settings of the operator, as the flags, the help and docs/configuration.md have them."""

from dataclasses import dataclass
from typing import Final

#: The name of the Lease, where none is given.
LEASE: Final = "hyperdrive-operator"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: a flag, and a variable of the environment."""

    name: str
    #: What stands for its value.
    form: str
    about: str
    default: str | None = None
    #: What counts where there is no fixed default.
    otherwise: str = ""
    #: The chart's values that set it.
    values: str = ""

    @property
    def flag(self) -> str:
        """The flag, as in --log-level."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The variable, as in HYPERDRIVE_LOG_LEVEL."""
        return f"HYPERDRIVE_{self.name.upper()}"

    @property
    def default_in_words(self) -> str:
        """What counts if nothing is said."""
        return self.otherwise or self.default or ""


#: In the order of the help.
SETTINGS: Final = (
    Setting(
        "kubeconfig",
        "FILE",
        "how the API server is reached",
        otherwise="$KUBECONFIG, then ~/.kube/config, then the pod's service account",
    ),
    Setting("context", "NAME", "context of the kubeconfig", otherwise="its current one"),
    Setting("namespaces", "A,B", "watch only these", "", otherwise="all namespaces", values="watchNamespaces"),
    Setting("workers", "N", "passes over sweeps that wait for the API server at the same time, 1 to 64", "16"),
    Setting("resync", "DURATION", "how often everything is read anew, at least 10s", "10m"),
    Setting("listen", "ADDRESS:PORT", "of /metrics, /healthz and /readyz, or off", "127.0.0.1:8080"),
    Setting(
        "best_values",
        "N",
        "of how many sweeps /metrics shows the best value, 0 to 10000: of those that go on first, then of the newest",
        "100",
        values="metrics.bestValues",
    ),
    Setting(
        "leader_elect",
        "NAMESPACE/NAME",
        "the Lease that makes one of several replicas the leader, or off",
        otherwise=f"{LEASE} in the pod's namespace, off outside of a pod",
    ),
    Setting("lease_duration", "DURATION", "after which a lost leader is replaced, 5s to 5m", "10s"),
    Setting(
        "log_format", "text|json", "of what it logs", otherwise="text on a terminal, else json", values="logging.format"
    ),
    Setting("log_level", "LEVEL", "debug, info, warning or error", "info", values="logging.level"),
)

#: What else it reads of its environment, and what for.
ENVIRONMENT: Final = (
    (
        "KUBECONFIG",
        "the kubeconfig, where `--kubeconfig` names none: one file, or several with colons between, as kubectl has it",
    ),
    ("HOME", "where `~/.kube/config` is looked for"),
    ("POD_NAME", "who writes its events and holds the Lease; that it is set says that no other process has this name"),
    ("POD_NAMESPACE", "where its Lease is; without it, the namespace that the kubelet has put into the pod"),
    ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "the way to the API server, where the kubeconfig names none"),
)
