"""The environment of a container, and its command: image's and pod's, with `$(NAME)` expanded as the kubelet does."""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperdrive_local.node.fields import ConfigError, amount_of, field_value, resource_value
from hyperdrive_local.node.image import Image
from hyperdrive_local.node.volumes import ConfigMaps
from hyperdrive_local.objects import Object, T

REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Libraries that would else start a thread for each core in each of the trials that share the machine.
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# What the machine's owner had to say of its processor holds for containers as well.
OF_THE_MACHINE = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the node contributes to every container."""

    interpreter: Path  # the folder with `python`
    allocatable: dict[str, str]
    machine: Mapping[str, str]


def surroundings_of(environ: Mapping[str, str], interpreter: Path, allocatable: dict[str, str]) -> Surroundings:
    """Of the caller's environment, the few variables that are the machine's."""
    kept = {name: environ[name] for name in OF_THE_MACHINE if name in environ}
    return Surroundings(interpreter, allocatable, kept)


def base_environment(surroundings: Surroundings, pod: Object, container: dict[str, Any], home: Path) -> dict[str, str]:
    """What a process finds even if neither image nor pod say anything."""
    requested = container.get("resources", {}).get("requests", {}).get("cpu", "1")
    threads = str(max(1, min(math.floor(amount_of(requested)), os.cpu_count() or 1)))
    return {
        **surroundings.machine,
        **dict.fromkeys(THREAD_LIMITS, threads),
        "PATH": f"{surroundings.interpreter}:{SYSTEM_PATH}",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
        "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"],
    }


def pod_environment(
    pod: Object, container: dict[str, Any], allocatable: dict[str, str], config_maps: ConfigMaps
) -> dict[str, str]:
    """`envFrom` and `env`; ConfigError if one of them can't be had."""
    known: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        known |= _from_source(source, config_maps)
    for variable in container.get("env", ()):
        name = variable["name"]
        if source := variable.get("valueFrom"):
            value = _from_reference(pod, container, source, allocatable, config_maps)
        else:
            value = expand(variable.get("value", ""), known)
        if value is not None:
            known[name] = value
    return known


def _from_source(source: dict[str, Any], config_maps: ConfigMaps) -> dict[str, str]:
    if reference := source.get("configMapRef"):
        config_map = config_maps(reference.get("name", ""))
        if config_map is None:
            return _missing(f'configmap "{reference.get("name", "")}" not found', reference, {})
        return {source.get("prefix", "") + key: value for key, value in config_map.get("data", {}).items()}
    reference = source.get("secretRef", {})
    return _missing(_no_secret(reference), reference, {})


def _from_reference(
    pod: Object,
    container: dict[str, Any],
    source: dict[str, Any],
    allocatable: dict[str, str],
    config_maps: ConfigMaps,
) -> str | None:
    if reference := source.get("fieldRef"):
        return field_value(pod, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        return resource_value(container, reference, allocatable)
    if reference := source.get("configMapKeyRef"):
        config_map = config_maps(reference.get("name", ""))
        if config_map is None:
            return _missing(f'configmap "{reference.get("name", "")}" not found', reference, None)
        if reference["key"] not in config_map.get("data", {}):
            whose = f"{pod['metadata']['namespace']}/{reference['name']}"
            problem = f"couldn't find key {reference['key']} in ConfigMap {whose}"
            return _missing(problem, reference, None)
        return str(config_map["data"][reference["key"]])
    reference = source.get("secretKeyRef", {})
    return _missing(_no_secret(reference), reference, None)


def _no_secret(reference: dict[str, Any]) -> str:
    return f'secret "{reference.get("name", "")}" not found: this cluster keeps no secrets, use a config map'


def _missing(problem: str, reference: dict[str, Any], otherwise: T) -> T:
    if reference.get("optional"):
        return otherwise
    raise ConfigError(problem)


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` replaced if it is known and left if it is not; `$$` is a dollar sign."""

    def replacement(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return known.get(match[1], match[0])

    return REFERENCE.sub(replacement, text)


def command_line(container: dict[str, Any], image: Image, known: Mapping[str, str]) -> Sequence[str]:
    """What is run: a pod's command replaces the image's ENTRYPOINT and CMD, its args the CMD alone."""
    command = [expand(word, known) for word in container.get("command") or ()]
    args = [expand(word, known) for word in container.get("args") or ()]
    words = [*command, *args] if command else [*image.entrypoint, *(args or image.command)]
    if not words:
        raise ConfigError(f'container "{container["name"]}" has no command, and neither has its image')
    return words
