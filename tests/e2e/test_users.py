"""Who has a cluster's own role view, edit or admin in a namespace has sweeps there, and nothing of ours elsewhere."""

import json
from collections.abc import Callable

import pytest

from .kubectl import Kubectl, KubectlError, Object

ALLOWED = {
    "view": {"get hyperdrives", "list hyperdrivetrials", "watch hyperdrives", "get hyperdrives --subresource=status"},
    "edit": {
        "get hyperdrives",
        "create hyperdrives",
        "patch hyperdrives",
        "deletecollection hyperdrives",
        "delete hyperdrivetrials",
    },
    "admin": {"create hyperdrives", "create hyperdrivetrials", "patch hyperdrivetrials --subresource=status"},
}
REFUSED = {
    "view": {"create hyperdrives", "patch hyperdrives", "delete hyperdrivetrials"},
    "edit": {"create hyperdrivetrials", "patch hyperdrives --subresource=status"},
    "admin": {"impersonate users"},
}


def can(kubectl: Kubectl, user: str, what: str) -> bool:
    """Ask the API server whether a user may do something in a namespace."""
    try:
        return kubectl("auth", "can-i", *what.split(), f"--as={user}").strip() == "yes"
    except KubectlError:  # a no is an exit status too
        return False


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_of_the_cluster_reaches_sweeps(role: str, namespace: Kubectl, make_sweep: Callable[..., Object]) -> None:
    user = f"{role}-of-{namespace.namespace}"
    namespace("create", "rolebinding", role, f"--clusterrole={role}", f"--user={user}")
    assert [what for what in sorted(ALLOWED[role]) if not can(namespace, user, what)] == []
    assert [what for what in sorted(REFUSED[role]) if can(namespace, user, what)] == []
    assert not can(Kubectl("default"), user, "get hyperdrives")
    if role == "view":
        return
    mine = json.dumps(make_sweep("mine", "echo score=$(params.x)", total=1))
    namespace("apply", "--server-side", f"--as={user}", "--filename=-", stdin=mine)
    namespace.wait("hd/mine", "condition=Complete")
