"""docs/permissions.md: what the operator and its users may do, verb by verb, from the roles themselves."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from .permissions import OWN, REPORTER, USERS, WATCHED, Permission

_HEAD: Final = """\
# Permissions, verb by verb

Made by `make generate` from `operator/hyperdrive_operator/tools/permissions.py`, as the roles in `manifests/` and the
chart are. The end-to-end tests compare them with the API server's audit log: each verb here is used, and no other is.
What follows from them is told in [security](security.md).

## The operator, in the namespaces that it watches

A ClusterRole; with `watchNamespaces` a Role in each of those namespaces, and no ClusterRole. No Secrets, no ConfigMaps,
no wildcards, nothing of RBAC's own, no `update`, and no `delete` but of Jobs.
"""
_COLUMNS: Final = ("| group | resource | verb | what for |", "|---|---|---|---|")
_USERS: Final = """
## People who run sweeps

ClusterRoles that Kubernetes adds to its own `view`, `edit` and `admin`: whoever has one of those in a namespace has
this there. They can be bound by themselves too.
"""
_REPORTER: Final = """
## Training scripts that report by themselves

Only where it is asked for (the chart's `reporter.namespaces`, or `manifests/reporter-role.yaml`): a Role of the
namespace.
"""
_ROLE_COLUMNS: Final = ("| role | group | resources | verbs |", "|---|---|---|---|")


def permissions_page() -> str:
    """Return the page."""
    lines = [_HEAD, *_COLUMNS, *_rows(WATCHED)]
    if OWN:
        lines += ["", "## The operator, in its own namespace", "", *_COLUMNS, *_rows(OWN)]
    lines += [_USERS, *_ROLE_COLUMNS]
    for word, rules in USERS.items():
        lines += [_rule(word, rule) for rule in rules]
    lines += [_REPORTER, *_ROLE_COLUMNS, *(_rule("hyperdrive-reporter", rule) for rule in REPORTER)]
    return "\n".join(lines) + "\n"


def _rows(permissions: Iterable[Permission]) -> Iterator[str]:
    for one in permissions:
        yield f"| {one.group or 'core'} | {one.resource} | {one.verb} | {one.reason} |"


def _rule(role: str, rule: dict[str, Any]) -> str:
    cells = (role, *(", ".join(rule[field]) for field in ("apiGroups", "resources", "verbs")))
    return f"| {' | '.join(cells)} |"
