"""What happened to the Jobs of a namespace, event by event: a look now and then would miss what lasts a moment."""

import json
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .kubectl import Kubectl, Object


class JobHistory:
    """Follows `kubectl get jobs --watch` and keeps what no later look can tell. A context manager."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._news = threading.Condition()
        self._unfinished: set[str] = set()
        #: Every Job that was ever there under a name.
        self.uids: defaultdict[str, set[str]] = defaultdict(set)
        #: Most Jobs without an end at any one event.
        self.most_at_once = 0
        self.finished: set[str] = set()
        command = ["kubectl", "--namespace", kubectl.namespace, "get", "jobs", "--watch"]
        self._process = subprocess.Popen(
            [*command, "--output-watch-events", "--output=json"], stdout=subprocess.PIPE, text=True
        )
        self._thread = threading.Thread(target=self._read, name="job-history")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._thread.join(10)

    def until(self, holds: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Wait for an event after which something holds."""
        with self._news:
            assert self._news.wait_for(holds, seconds), f"after {seconds:.0f} s still not so: {what}"

    def is_unbroken(self) -> bool:
        """Tell whether the stream is still open: only then has nothing been missed."""
        return self._process.poll() is None

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                event = json.loads(line)
                with self._news:
                    self._take(event["type"], event["object"])
                    self._news.notify_all()

    def _take(self, event_type: str, job: Object) -> None:
        name, uid = job["metadata"]["name"], job["metadata"]["uid"]
        self.uids[name].add(uid)
        if is_finished(job):
            self.finished.add(name)
        if event_type == "DELETED" or is_finished(job):
            self._unfinished.discard(uid)
        else:
            self._unfinished.add(uid)
        self.most_at_once = max(self.most_at_once, len(self._unfinished))


def is_finished(job: Object) -> bool:
    """Tell whether a Job has ended, well or not."""
    conditions = job.get("status", {}).get("conditions") or ()
    return any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions)
