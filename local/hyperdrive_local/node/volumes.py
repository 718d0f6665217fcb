"""The volumes of a pod, as folders: emptyDir, configMap and downwardAPI. Everything else is refused by name."""

import base64
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from hyperdrive_local.node.fields import ConfigError, field_value
from hyperdrive_local.objects import Object

ConfigMaps = Callable[[str], Object | None]


def make_volumes(pod: Object, folder: Path, config_maps: ConfigMaps) -> dict[str, Path]:
    """Make a pod's volumes below a folder; their places by name. ConfigError if one can't be had."""
    places = {}
    for number, volume in enumerate(pod["spec"].get("volumes", ())):
        place = folder / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        if source := volume.get("configMap"):
            _fill_from_config_map(place, source, config_maps)
        elif source := volume.get("downwardAPI"):
            for item in source.get("items", ()):
                _write(place, item["path"], field_value(pod, item["fieldRef"]["fieldPath"]).encode())
        elif "emptyDir" not in volume:
            kind = next((key for key in volume if key != "name"), "nothing")
            raise ConfigError(
                f'spec.volumes[{number}].{kind}: volume "{volume["name"]}" can\'t be had on this node: '
                "it has emptyDir, configMap and downwardAPI volumes only"
            )
        places[volume["name"]] = place
    return places


def _fill_from_config_map(place: Path, source: dict[str, Any], config_maps: ConfigMaps) -> None:
    config_map = config_maps(source.get("name", ""))
    if config_map is None:
        if source.get("optional"):
            return
        raise ConfigError(f'configmap "{source.get("name", "")}" not found')
    content = {key: text.encode() for key, text in config_map.get("data", {}).items()}
    content |= {key: base64.b64decode(text) for key, text in config_map.get("binaryData", {}).items()}
    items = source.get("items")
    paths = {item["key"]: item["path"] for item in items} if items else {key: key for key in content}
    for key, path in paths.items():
        if key in content:
            _write(place, path, content[key])
        elif not source.get("optional"):
            raise ConfigError(f"configmap references non-existent config key: {key}")


def _write(place: Path, path: str, content: bytes) -> None:
    # the API server has refused paths that are absolute or go up; this is where a mistake there would hurt
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ConfigError(f"{path}: a volume's path must stay inside the volume")
    target = place / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
