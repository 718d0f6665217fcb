"""What the server says of what it serves: groups, versions, resources, and its own version."""

from typing import Any

from hyperdrive_local.errors import no_such_resource
from hyperdrive_local.kinds import Kind, Kinds
from hyperdrive_local.resources import Resource

# Whose API is spoken. The build says that this is not the real one.
VERSION: dict[str, Any] = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+hyperdrive-local",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "",
    "goVersion": "",
    "compiler": "",
    "platform": "python",
}
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
CORE_VERSIONS: dict[str, Any] = {
    "kind": "APIVersions",
    "apiVersion": "v1",
    "versions": ["v1"],
    "serverAddressByClientCIDRs": [],
}
STATUS_VERBS = ["get", "patch", "update"]
SUBRESOURCE_VERBS = {"status": STATUS_VERBS, "finalize": ["update"], "log": ["get"]}


def groups(kinds: Kinds) -> dict[str, dict[str, list[Kind]]]:
    """Every group, its versions (the preferred one first), and the kinds of each."""
    found: dict[str, dict[str, list[Kind]]] = {}
    for (group, version, _), kind in kinds.served.items():
        found.setdefault(group, {}).setdefault(version, []).append(kind)
    return found


def _group(name: str, versions: dict[str, list[Kind]]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def group_list(kinds: Kinds) -> dict[str, Any]:
    """`/apis`, as older clients ask for it."""
    listed = [_group(name, versions) for name, versions in groups(kinds).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def one_group(kinds: Kinds, name: str) -> dict[str, Any]:
    """`/apis/GROUP`."""
    versions = groups(kinds).get(name)
    if not name or not versions:
        raise no_such_resource()
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, versions)


def resource_list(kinds: Kinds, group: str, version: str) -> dict[str, Any]:
    """`/api/v1` or `/apis/GROUP/VERSION`."""
    served = groups(kinds).get(group, {}).get(version)
    if not served:
        raise no_such_resource()
    entries = [entry for kind in served for entry in _entries(kind.resource)]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def _entries(resource: Resource) -> list[dict[str, Any]]:
    main: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        main["shortNames"] = list(resource.short_names)
    if resource.categories:
        main["categories"] = list(resource.categories)
    parts = [
        {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": SUBRESOURCE_VERBS[name],
        }
        for name in resource.subresources
    ]
    return [main, *parts]


def aggregated(kinds: Kinds, *, core: bool) -> dict[str, Any]:
    """Everything of the core group, or of all the others, in one answer."""
    items = []
    for name, versions in groups(kinds).items():
        if core != (not name):
            continue
        metadata = {"creationTimestamp": None} if core else {"name": name, "creationTimestamp": None}
        listed = [_aggregated_version(version, served) for version, served in versions.items()]
        items.append({"metadata": metadata, "versions": listed})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_version(version: str, served: list[Kind]) -> dict[str, Any]:
    resources = [_aggregated_resource(kind.resource) for kind in served]
    return {"version": version, "resources": resources, "freshness": "Current"}


def _aggregated_resource(resource: Resource) -> dict[str, Any]:
    response = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": response,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": name, "responseKind": response, "verbs": SUBRESOURCE_VERBS[name]}
            for name in resource.subresources
        ]
    return entry


def document(kinds: Kinds, path: str) -> dict[str, Any]:
    """What is said at a path, in the form that every client reads; ApiError 404 if nothing is."""
    match path.strip("/").split("/"):
        case ["version"]:
            return VERSION
        case ["api"]:
            return CORE_VERSIONS
        case ["apis"]:
            return group_list(kinds)
        case ["api", version]:
            return resource_list(kinds, "", version)
        case ["apis", group]:
            return one_group(kinds, group)
        case ["apis", group, version]:
            return resource_list(kinds, group, version)
    raise no_such_resource()
