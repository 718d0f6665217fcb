"""Manifests of the tests' own sweeps, and what can be read of one."""

from typing import Any

from .kubectl import Kubectl, Object

#: Twenty values, of which 13 is the best for `SCORE`.
TWENTY: dict[str, Any] = {"name": "x", "randint": {"lower": 1, "upper": 21}}
#: A parabola with its top, 0, at x = 13.
SCORE = 'd=$((HYPERDRIVE_PARAM_X - 13)); echo "score=$((0 - d * d))"'


def sweep(
    name: str, script: str, *, image: str, space: Object | None = None, total: int = 3, at_once: int = 3, **spec: Any
) -> Object:
    """Build a HyperDrive whose trials run a shell script. What is given beside goes into its spec."""
    return {
        "apiVersion": "hyperdrive.dev/v1alpha1",
        "kind": "HyperDrive",
        "metadata": {"name": name},
        "spec": {
            "objective": {"primaryMetric": "score", "goal": "Maximize"},
            "searchSpace": [space or TWENTY],
            "samplingAlgorithm": {"type": "Grid"},
            "limits": {"maxTotalTrials": total, "maxConcurrentTrials": at_once},
            "trialTemplate": {"spec": job_spec(script, image)},
            **spec,
        },
    }


def job_spec(script: str, image: str) -> Object:
    """Build a Job's spec that the restricted pod security standard takes, and whose pods end when told to."""
    return {
        "backoffLimit": 0,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "train",
                        "image": image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", script],
                        # little, but without any it starts after all that trains beside it on the node
                        "resources": {"requests": {"cpu": "20m"}},
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    }
                ],
            }
        },
    }


def choice(name: str, *values: Any) -> Object:
    """Build a parameter that is one of the values."""
    return {"name": name, "choice": {"values": list(values)}}


def of(name: str) -> str:
    """Return the selector of what belongs to a sweep."""
    return f"hyperdrive.dev/hyperdrive={name}"


def trials(kubectl: Kubectl, name: str) -> list[Object]:
    """Return the trials of a sweep by number."""
    return sorted(kubectl.list("hyperdrivetrials", of(name)), key=lambda trial: int(trial["spec"]["number"]))


def condition(hyperdrive: Object, kind: str) -> Object:
    """Return a condition of a HyperDrive."""
    found: Object = next(c for c in hyperdrive["status"]["conditions"] if c["type"] == kind)
    return found


def reason_is(kind: str, reason: str) -> str:
    """Return what `kubectl wait` waits for until a condition has a reason."""
    return f'jsonpath={{.status.conditions[?(@.type=="{kind}")].reason}}={reason}'


def events(kubectl: Kubectl, name: str) -> dict[str, str]:
    """Return the newest message of each reason among a HyperDrive's events."""
    selector = f"regarding.kind=HyperDrive,regarding.name={name}"
    found = kubectl.json("get", "events.events.k8s.io", f"--field-selector={selector}")["items"]
    return {event["reason"]: event["note"] for event in sorted(found, key=lambda event: str(event["eventTime"]))}
