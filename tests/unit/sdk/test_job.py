"""The PATCH: over TLS that is checked, with today's token, past every proxy; and what its answer tells."""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from hyperdrive.job import JobClient, NoAccount, is_ending
from hyperdrive.settings import Settings, read_settings

from .api_server import PATIENCE, ApiServer

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def client(api: ApiServer) -> Iterator[JobClient]:
    with closing(JobClient(settings_of(api))) as made:
        yield made


def settings_of(api: ApiServer, **more: str) -> Settings:
    return read_settings(api.environ(**more))


def test_the_patch_is_a_merge_of_annotations_into_our_job_and_no_other_of_its_name(api: ApiServer) -> None:
    with closing(JobClient(settings_of(api, HYPERDRIVE_JOB_UID="uid-1"))) as client:
        assert client.patch({"a": "b"}).is_accepted
    request = api.next()
    assert request.path == "/apis/batch/v1/namespaces/lab/jobs/digits-7?fieldManager=hyperdrive-sdk"
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert request.body == {"metadata": {"uid": "uid-1", "annotations": {"a": "b"}}}


def test_the_connection_is_kept_and_the_token_read_each_time(api: ApiServer, client: JobClient) -> None:
    client.patch({"a": "1"})
    (api.account / "token").write_text("second")
    client.patch({"a": "2"})
    first, second = api.next(), api.next()
    assert first.client == second.client
    assert [request.headers["Authorization"] for request in (first, second)] == ["Bearer first", "Bearer second"]


def test_a_kept_connection_that_was_closed_is_opened_again(api: ApiServer, client: JobClient) -> None:
    client.patch({"a": "1"})
    connection = client._connection
    assert connection is not None
    connection.sock.shutdown(socket.SHUT_RDWR)
    assert client.patch({"a": "2"}).is_accepted
    assert api.next().client != api.next().client


def test_proxies_are_not_used(client: JobClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert client.patch({}).is_accepted


def test_a_server_of_another_authority_gets_no_token(api: ApiServer) -> None:
    trustme.CA().cert_pem.write_to_path(api.account / "ca.crt")
    with pytest.raises(ssl.SSLCertVerificationError):
        JobClient(settings_of(api)).patch({})
    assert api.seen.empty()


@pytest.mark.parametrize("missing", ["token", "ca.crt", "namespace"])
def test_a_pod_without_a_service_account_is_told_apart(api: ApiServer, missing: str) -> None:
    (api.account / missing).unlink()
    with pytest.raises(NoAccount):
        JobClient(settings_of(api)).patch({})


def test_a_server_that_does_not_answer_is_left_in_time_and_asked_again_on_another_connection(
    api: ApiServer, client: JobClient
) -> None:
    api.before_answer = lambda: time.sleep(0.3)  # the server's slowness: nothing here waits for it
    with pytest.raises(TimeoutError):
        client.patch({}, timeout=0.05)
    api.before_answer = lambda: None
    assert client.patch({}, timeout=PATIENCE).is_accepted


def test_a_server_that_is_not_there_is_an_error_at_once(api: ApiServer) -> None:
    settings = settings_of(api)
    assert settings.server is not None
    closed = replace(settings, server=replace(settings.server, port=1))
    with pytest.raises((OSError, http.client.HTTPException)):
        JobClient(closed).patch({})


@pytest.mark.parametrize(
    ("status", "message", "is_gone"),
    [
        (404, 'jobs.batch "digits-7" not found', True),
        (409, "Precondition failed: UID in precondition: 1, UID in object meta: 2", True),
        (422, 'Job.batch "digits-7" is invalid: metadata.uid: Invalid value: "1": field is immutable', True),
        (409, "the object has been modified", False),
        (403, "forbidden", False),
        (500, "", False),
    ],
)
def test_a_refusal_is_told_with_the_servers_words(
    api: ApiServer, client: JobClient, status: int, message: str, is_gone: bool
) -> None:
    api.status, api.answer, api.headers = status, {"message": message}, {"Retry-After": "7"}
    answer = client.patch({})
    assert (answer.is_accepted, answer.is_gone, answer.retry_after) == (False, is_gone, 7.0)
    assert message in answer.message


def test_the_answer_of_the_patch_tells_that_the_trial_is_stopped_by_the_servers_clock(
    api: ApiServer, client: JobClient
) -> None:
    api.answer = {"spec": {"activeDeadlineSeconds": 60}, "status": {"startTime": "2001-01-01T00:00:00Z"}}
    assert client.patch({}).is_ending


STARTED = {"startTime": "2026-03-01T11:59:00Z"}


@pytest.mark.parametrize(
    ("job", "ending"),
    [
        pytest.param({}, False, id="nothing is said"),
        pytest.param({"spec": {"activeDeadlineSeconds": 61}, "status": STARTED}, False, id="its deadline is to come"),
        pytest.param({"spec": {"activeDeadlineSeconds": 60}, "status": STARTED}, True, id="its deadline is over"),
        pytest.param({"spec": {"activeDeadlineSeconds": 1}, "status": {}}, False, id="it has not begun"),
        pytest.param({"spec": {"suspend": True}}, True, id="suspended"),
        pytest.param({"metadata": {"deletionTimestamp": "2026-03-01T11:59:00Z"}}, True, id="being deleted"),
        pytest.param({"status": {"conditions": [{"type": "FailureTarget", "status": "True"}]}}, True, id="failing"),
        pytest.param({"status": {"conditions": [{"type": "Failed", "status": "False"}]}}, False, id="not failed"),
        pytest.param({"spec": 3, "status": {"conditions": [7], "startTime": "soon"}}, False, id="junk"),
    ],
)
def test_a_job_whose_pods_are_to_end(job: dict[str, Any], ending: bool) -> None:
    assert is_ending(job, now=NOW) is ending
