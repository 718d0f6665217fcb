"""The manifests of a trial: its record and its Job. Pure builders, the whole object in one place each."""

import re
from collections.abc import Mapping
from typing import Any

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import MAX_DEPTH, HyperDriveSpec, Objective, is_too_deep

from .problems import Problem
from .space import Parameters
from .template import placeholder_problems, render, text_of

Manifest = dict[str, Any]

_TEMPLATE = "spec.trialTemplate"
#: A finished Job must outlive an operator's restart, or its metrics are lost before anyone reads them.
MIN_TTL_SECONDS = 300
#: Go writes larger numbers with an exponent.
_WRITTEN_OUT = 1e21
#: As the API server completes it, so that a preview shows what will stand there.
_JOB_UID = {"fieldRef": {"apiVersion": "v1", "fieldPath": names.FIELD_JOB_UID}}
_REPEAT = {"fieldRef": {"apiVersion": "v1", "fieldPath": names.FIELD_COMPLETION_INDEX}}
_CONTAINER_LISTS = ("containers", "initContainers")


def trial_name(sweep_name: str, number: int) -> str:
    """Return the name of a trial and of its Job."""
    return f"{sweep_name}-{number}"


def build_trial(*, sweep_name: str, sweep_uid: str, number: int, parameters: Parameters) -> Manifest:
    """Build the record of a trial, owned by its HyperDrive."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": "HyperDriveTrial",
        "metadata": {
            "name": trial_name(sweep_name, number),
            "labels": {names.LABEL_HYPERDRIVE: sweep_name, names.LABEL_MANAGED_BY: names.MANAGED_BY},
            "ownerReferences": [_owner("HyperDrive", sweep_name, sweep_uid)],
        },
        "spec": {"number": number, "parameters": parameters, "summary": summary(parameters)},
    }


def build_job(
    spec: HyperDriveSpec, *, sweep_name: str, trial: str, trial_uid: str, parameters: Parameters, attempt: int = 1
) -> Manifest:
    """Build the Job of a trial, owned by its record. An empty uid builds one for a dry run, without an owner."""
    template = spec.trial_template
    labels = {
        names.LABEL_HYPERDRIVE: sweep_name,
        names.LABEL_TRIAL: trial,
        names.LABEL_ATTEMPT: str(attempt),
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
    }
    job_spec: Manifest = render(template.spec, parameters)
    pod_template = job_spec["template"]
    pod_metadata = pod_template.get("metadata") or {}
    pod_template["metadata"] = {**pod_metadata, "labels": {**(pod_metadata.get("labels") or {}), **labels}}
    _ignore_disruptions(job_spec)
    variables = environment(trial, parameters) + reporter_environment(spec.objective)
    if spec.repeats > 1:
        job_spec |= {"completionMode": "Indexed", "completions": spec.repeats}
        variables.append({"name": names.ENV_REPEAT, "valueFrom": _REPEAT})
    _add_environment(pod_template["spec"], variables)
    metadata: Manifest = {
        "name": trial,
        "labels": {**render(template.metadata.labels, parameters, as_string=True), **labels},
        "annotations": render(template.metadata.annotations, parameters, as_string=True),
    }
    if trial_uid:
        metadata["ownerReferences"] = [_owner("HyperDriveTrial", trial, trial_uid)]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job_spec}


def build_first_job(spec: HyperDriveSpec, *, sweep_name: str, trial: str, parameters: Parameters) -> Manifest:
    """Build the Job of a trial that has no record yet: as it will be, with the parameters as a record gives them back.

    It has no owner. It is for a dry run, and to be shown.
    """
    return build_job(spec, sweep_name=sweep_name, trial=trial, trial_uid="", parameters=_as_stored(parameters))


def _as_stored(value: Any) -> Any:
    """Return a value as the API server gives it back: 2.0 as 2, and names in order."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _WRITTEN_OUT:
        return int(value)
    if isinstance(value, list):
        return [_as_stored(item) for item in value]
    return {key: _as_stored(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def environment(trial: str, parameters: Mapping[str, Any]) -> list[Manifest]:
    """Return the environment variables by which every container learns its trial and parameters."""
    variables = {names.ENV_TRIAL: trial, names.ENV_PARAMETERS: text_of(dict(parameters))}
    variables |= {variable_name(name): text_of(value) for name, value in parameters.items()}
    return [{"name": name, "value": _escaped(value)} for name, value in variables.items()]


def reporter_environment(objective: Objective) -> list[Manifest]:
    """Return the environment variables by which the reporter (sdk/) knows the primary metric, and its Job for sure."""
    return [
        {"name": names.ENV_PRIMARY_METRIC, "value": _escaped(objective.primary_metric)},
        {"name": names.ENV_GOAL, "value": objective.goal},
        {"name": names.ENV_JOB_UID, "valueFrom": _JOB_UID},
    ]


def variable_name(parameter: str) -> str:
    """Return the environment variable of a parameter: learning-rate is HYPERDRIVE_PARAM_LEARNING_RATE."""
    return names.ENV_PARAMETER_PREFIX + re.sub(r"[^A-Za-z0-9]", "_", parameter).upper()


def summary(parameters: Mapping[str, Any], *, at_most: int = 4096) -> str:
    """Return the parameters on one line for people, numbers to four digits."""
    line = " ".join(f"{name}={_short(value)}" for name, value in parameters.items())
    return line if len(line) <= at_most else line[: at_most - 1] + "…"


def template_problems(spec: HyperDriveSpec) -> tuple[Problem, ...]:
    """Find what the API server cannot: it sees the template only after the placeholders are replaced."""
    template = spec.trial_template
    if is_too_deep(template.spec):
        return (_template_problem("spec", f"must not nest deeper than {MAX_DEPTH} levels"),)
    known = [parameter.name for parameter in spec.search_space]
    problems = [*_variable_problems(known), *_shape_problems(template.spec), *_repeat_problems(spec)]
    problems += placeholder_problems(template.metadata.labels, known, f"{_TEMPLATE}.metadata.labels")
    problems += placeholder_problems(template.metadata.annotations, known, f"{_TEMPLATE}.metadata.annotations")
    problems += placeholder_problems(template.spec, known, f"{_TEMPLATE}.spec")
    return tuple(problems)


def _shape_problems(job_spec: Mapping[str, Any]) -> list[Problem]:
    """Check just what build_job relies on; the rest is the API server's dry run to judge."""
    pod_template = job_spec.get("template")
    pod_spec = pod_template.get("spec") if isinstance(pod_template, dict) else None
    if not isinstance(pod_spec, dict):
        return [_template_problem("spec.template.spec", "must be a pod's spec: give it containers and a restartPolicy")]
    problems = []
    if not pod_spec.get("containers"):
        problems.append(_template_problem("spec.template.spec.containers", "must list at least one container"))
    for field in _CONTAINER_LISTS:
        containers = pod_spec.get(field) or []
        if not isinstance(containers, list) or not all(isinstance(container, dict) for container in containers):
            problems.append(_template_problem(f"spec.template.spec.{field}", "must be a list of containers"))
        elif not all(_is_environment(container.get("env") or []) for container in containers):
            problems.append(_template_problem(f"spec.template.spec.{field}", "env must be a list of name and value"))
    metadata = (pod_template.get("metadata") or {}) if isinstance(pod_template, dict) else {}
    if not isinstance(metadata, dict) or not isinstance(metadata.get("labels") or {}, dict):
        problems.append(_template_problem("spec.template.metadata", "must be an object with labels and annotations"))
    ttl = job_spec.get("ttlSecondsAfterFinished")
    if isinstance(ttl, int) and ttl < MIN_TTL_SECONDS:
        problem = f"must be at least {MIN_TTL_SECONDS}, or a finished Job may be gone before its metrics are read"
        problems.append(_template_problem("spec.ttlSecondsAfterFinished", problem))
    return problems


def _repeat_problems(spec: HyperDriveSpec) -> list[Problem]:
    if spec.repeats == 1:
        return []
    given = [field for field in ("completions", "completionMode") if spec.trial_template.spec.get(field) is not None]
    message = "must not be given beside spec.repeats, which sets it: remove one of the two"
    return [_template_problem(f"spec.{field}", message) for field in given]


def _is_environment(env: Any) -> bool:
    return isinstance(env, list) and all(isinstance(variable, dict) for variable in env)


def _template_problem(field: str, message: str) -> Problem:
    return Problem(names.REASON_INVALID_TEMPLATE, f"{_TEMPLATE}.{field}", message)


def _variable_problems(known: list[str]) -> list[Problem]:
    first: dict[str, str] = {}
    problems = []
    for index, name in enumerate(known):
        other = first.setdefault(variable_name(name), name)
        if other != name:
            message = f"{name!r} and {other!r} share the environment variable {variable_name(name)}: rename one"
            problems.append(Problem(names.REASON_INVALID_SPEC, f"spec.searchSpace[{index}].name", message))
    return problems


def _add_environment(pod_spec: Manifest, variables: list[Manifest]) -> None:
    """Put our variables first, so that the user's own can refer to them and win over them."""
    for field in _CONTAINER_LISTS:
        for container in pod_spec.get(field) or []:
            own = container.get("env") or []
            taken = [variable.get("name") for variable in own]  # a list: what stands there may be any JSON
            container["env"] = [variable for variable in variables if variable["name"] not in taken] + own


def _ignore_disruptions(job_spec: Manifest) -> None:
    """Let a pod that the cluster takes away be replaced without counting as a failure, unless the user has said how.

    Kubernetes has this for pods that are never restarted in place.
    """
    is_possible = job_spec["template"]["spec"].get("restartPolicy") == "Never"
    # with a policy Kubernetes replaces only pods that have ended: it takes no other wish beside it
    is_free = job_spec.get("podFailurePolicy") is None and job_spec.get("podReplacementPolicy") in {None, "Failed"}
    if is_possible and is_free:
        condition = {"type": "DisruptionTarget", "status": "True"}
        job_spec["podFailurePolicy"] = {"rules": [{"action": "Ignore", "onPodConditions": [condition]}]}


def _owner(kind: str, name: str, uid: str) -> Manifest:
    # no blockOwnerDeletion: it would need a permission on finalizers, and deletion never has to wait for us
    return {"apiVersion": names.API_VERSION, "kind": kind, "name": name, "uid": uid, "controller": True}


def _escaped(value: str) -> str:
    """Keep the kubelet from expanding $(NAME) in a parameter's value; it also turns any $$ into $."""
    return value.replace("$", "$$")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else text_of(value)
