"""Changes a Job that stands: ends it for ever, suspends it for a pause, resumes it after one; or deletes it."""

from hyperdrive_operator.api import names
from hyperdrive_operator.core.actions import DeleteJob, EndJob, JobChange, ResumeJob, SuspendJob
from hyperdrive_operator.core.trialjobs import DEADLINE_OF_STOPPED, Job
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import NotFoundError
from hyperdrive_operator.kube.kinds import JOBS, Object

from .cache import Cache


class JobChanges:
    """Patches and deletes Jobs. Each request is safe to repeat."""

    def __init__(self, client: KubeClient, cache: Cache) -> None:
        self._client = client
        self._cache = cache

    async def change(self, action: JobChange) -> None:
        """Change a trial's Job, if it is still there."""
        if isinstance(action, DeleteJob):
            await self._delete(action)
            return
        job = action.trial.job
        if job is None:
            return
        patch = _patch(action, job)
        patch["metadata"] = {**patch.get("metadata", {}), "uid": job.uid}
        try:
            body = await self._client.patch(JOBS, job.namespace, job.name, patch)
        except NotFoundError:
            self._forget(job)
        else:
            self._cache.observe(JOBS, None, body)

    async def _delete(self, action: DeleteJob) -> None:
        """Delete a Job. Where another is to take its name, its pods go before it does: no two run at a time."""
        job = action.job
        how = "Foreground" if job is action.trial.former else "Background"
        body = await self._client.delete(JOBS, job.namespace, job.name, uid=job.uid, propagation=how)
        if body is None:
            self._forget(job)
        else:
            self._cache.observe(JOBS, None, body)

    def _forget(self, job: Job) -> None:
        metadata = {"uid": job.uid, "namespace": job.namespace, "name": job.name}
        self._cache.observe(JOBS, "DELETED", {"metadata": metadata})


def _patch(action: EndJob | SuspendJob | ResumeJob, job: Job) -> Object:
    match action:
        case SuspendJob():
            return {
                "metadata": {"annotations": {names.ANNOTATION_SUSPENDED: names.REASON_PAUSED}},
                "spec": {"suspend": True},
            }
        case ResumeJob():
            return {"metadata": {"annotations": {names.ANNOTATION_SUSPENDED: None}}, "spec": {"suspend": False}}
    # its pods get SIGTERM and their grace period, and it never runs again, whoever resumes it. One that we suspended is
    # resumed by this, and fails before it has a pod: left suspended it would never finish.
    ending: Object = {"spec": {"activeDeadlineSeconds": DEADLINE_OF_STOPPED}}
    if job.is_paused and not job.is_kueues:
        ending["spec"]["suspend"] = False
    return ending
