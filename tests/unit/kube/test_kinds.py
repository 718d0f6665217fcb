import pytest

from hyperdrive_operator.kube.kinds import EVENTS, HYPERDRIVES, JOBS, PODS, Kind


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(JOBS.path("a", "b"), "/apis/batch/v1/namespaces/a/jobs/b", id="an object of a group"),
        pytest.param(PODS.path("a", "b", "log"), "/api/v1/namespaces/a/pods/b/log", id="a subresource of the core"),
        pytest.param(HYPERDRIVES.path(None), "/apis/hyperdrive.dev/v1alpha1/hyperdrives", id="all of a cluster"),
        pytest.param(JOBS.path("a", "../x?y"), "/apis/batch/v1/namespaces/a/jobs/..%2Fx%3Fy", id="a hostile name"),
        pytest.param(
            Kind("", "v1", "nodes", "Node", namespaced=False).path("a", "n"), "/api/v1/nodes/n", id="no namespace"
        ),
    ],
)
def test_a_path_is_what_the_api_server_serves(path: str, expected: str) -> None:
    assert path == expected


def test_the_core_group_has_no_slash_in_its_api_version() -> None:
    assert (PODS.api_version, EVENTS.api_version) == ("v1", "events.k8s.io/v1")
