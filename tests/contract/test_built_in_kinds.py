"""Events, leases, config maps and namespaces: what the server does for each."""

from tests.contract.client import Api

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


async def test_events_of_one_group_are_those_of_the_other(api: Api, namespace: str) -> None:
    old, new = (f"/{base}/namespaces/{namespace}/events" for base in ("api/v1", "apis/events.k8s.io/v1"))
    about = {"kind": "Pod", "namespace": namespace, "name": "x", "uid": "u"}
    time = "2026-11-24T10:00:00Z"
    await api.made(
        old,
        {
            "metadata": {"name": "e1"},
            "involvedObject": about,
            "reason": "R",
            "message": "M",
            "type": "Normal",
            "source": {"component": "me"},
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 2,
        },
    )
    shown = (await api.get(f"{new}/e1")).body
    assert shown["apiVersion"] == "events.k8s.io/v1"
    assert (shown["regarding"], shown["note"], shown["deprecatedCount"]) == (about, "M", 2)
    assert (shown["deprecatedSource"], shown["deprecatedFirstTimestamp"]) == ({"component": "me"}, time)
    body = {
        "metadata": {"generateName": "e2-"},
        "regarding": about,
        "reason": "R",
        "note": "N",
        "type": "Warning",
        "action": "Act",
        "eventTime": "2026-11-24T10:00:00.000000Z",
        "reportingController": "me",
        "reportingInstance": "me-1",
    }
    made = await api.made(new, body)
    assert made["metadata"]["name"].startswith("e2-")
    back = (await api.get(f"{old}/{made['metadata']['name']}")).body
    assert (back["involvedObject"], back["message"], back["reportingComponent"]) == (about, "N", "me")
    assert (back["source"], back["firstTimestamp"]) == ({}, None)
    del body["action"]
    refused = await api.post(new, body | {"metadata": {"name": "e3"}})
    assert (refused.code, refused.message) == (422, 'Event "e3" is invalid: action: Required value')


async def test_events_are_found_by_what_they_are_about(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/events"
    for name in ("x", "y"):
        about = {"kind": "Pod", "namespace": namespace, "name": name}
        await api.made(path, {"metadata": {"name": name}, "involvedObject": about, "reason": "R", "type": "Normal"})
    found = await api.get(path, fieldSelector="involvedObject.name=y,type=Normal")
    assert [item["metadata"]["name"] for item in found.body["items"]] == ["y"]
    new = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
    found = await api.get(new, fieldSelector="regarding.name=y")
    assert [item["metadata"]["name"] for item in found.body["items"]] == ["y"]
    refused = await api.get(new, fieldSelector="involvedObject.name=y")
    assert refused.message == "field label not supported: involvedObject.name"


async def test_a_lease_goes_to_the_first_who_takes_it(api: Api, namespace: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-11-24T10:00:00.500000Z"}
    made = await api.made(path, {"metadata": {"name": "l"}, "spec": spec})
    assert made["spec"] == spec
    mine = made | {"spec": spec | {"holderIdentity": "b"}}
    theirs = made | {"spec": spec | {"holderIdentity": "c"}}
    assert (await api.put(f"{path}/l", mine)).code == 200
    lost = await api.put(f"{path}/l", theirs)
    assert lost.code == 409
    assert lost.message == f'Operation cannot be fulfilled on leases.coordination.k8s.io "l": {MODIFIED}'
    blind = await api.put(f"{path}/l", {"metadata": {"name": "l"}, "spec": spec})
    assert blind.code == 422
    bad = await api.post(path, {"metadata": {"name": "m"}, "spec": {"leaseDurationSeconds": 0}})
    assert (bad.code, bad.body["reason"]) == (422, "Invalid")


async def test_most_built_in_kinds_can_be_written_blindly(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    await api.made(path, {"metadata": {"name": "c"}, "data": {"a": "b"}})
    put = await api.put(f"{path}/c", {"metadata": {"name": "c"}, "data": {"a": "c"}})
    assert (put.code, put.body["data"]) == (200, {"a": "c"})
    assert "generation" not in put.body["metadata"]
    assert (await api.put(f"{path}/d", {"metadata": {"name": "d"}})).code == 404


async def test_a_namespace_that_is_being_deleted_takes_nothing_new(api: Api, namespace: str) -> None:
    held = f"{namespace}-held"
    made = await api.made("/api/v1/namespaces", {"metadata": {"name": held}})
    assert made["status"] == {"phase": "Active"}
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": held}
    path = f"/api/v1/namespaces/{held}/configmaps"
    await api.made(path, {"metadata": {"name": "a", "finalizers": ["example.com/hold"]}})
    deleted = await api.delete(f"/api/v1/namespaces/{held}")
    assert deleted.body["status"]["phase"] == "Terminating"
    refused = await api.post(path, {"metadata": {"name": "b"}})
    assert refused.code == 403
    assert refused.message == (
        f'configmaps "b" is forbidden: unable to create new content in namespace {held} because it is being terminated'
    )
    assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    await api.patch(f"{path}/a", {"metadata": {"finalizers": None}})
