"""What is known of the cluster: small views of HyperDrives, trials, Jobs and pods, joined by owner uid.

It is fed by the watch, by the periodic relist and by the answers to our own writes, so that a pass sees what the pass
before it has done. An older version never replaces a newer one, and what was deleted does not come back by a late
answer. Not thread-safe: it belongs to the controller's event loop.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Set
from dataclasses import replace
from typing import Any, Final

from hyperdrive_operator.core.annotations import annotated
from hyperdrive_operator.core.outcome import aim_of
from hyperdrive_operator.core.planning import Proposals
from hyperdrive_operator.core.pods import Pod, blamed, newest_disrupted, speaker
from hyperdrive_operator.core.prior import Prior
from hyperdrive_operator.core.progress import Progress
from hyperdrive_operator.core.records import ENDED, Record
from hyperdrive_operator.core.roster import Roster, RosterBook
from hyperdrive_operator.core.spans import spans_of
from hyperdrive_operator.core.sweep import Sweep
from hyperdrive_operator.core.trialjobs import Job
from hyperdrive_operator.core.trials import Log, Trial
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS, Kind, Object

from .owners import Owner, is_current, job_of, key_of_children, sweep_of, trial_of
from .priors import Priors
from .queue import Key
from .versions import is_newer, number_of, version_of
from .views import View, read_view, sweep_key_of

#: Uids of deleted objects to remember, against answers that come after the deletion: some minutes of a busy cluster.
MAX_TOMBSTONES: Final = 10_000


class Cache:
    """Views by kind and uid, and the trials joined from them."""

    def __init__(self) -> None:
        self._views: dict[Kind, dict[str, View]] = {kind: {} for kind in (HYPERDRIVES, HYPERDRIVE_TRIALS, JOBS, PODS)}
        self._keys: dict[str, Key] = {}
        self._seen: dict[str, int] = {}
        self._clock = 0
        #: Uids of what is gone, and the version at which it went (0: a list lacked it).
        self._tombstones: OrderedDict[str, int] = OrderedDict()
        self._sweeps: defaultdict[Key, dict[str, Sweep]] = defaultdict(dict)
        self._records: defaultdict[Owner, dict[str, Record]] = defaultdict(dict)
        self._jobs_of: defaultdict[Owner, dict[str, Job]] = defaultdict(dict)
        self._pods_of: defaultdict[Owner, dict[str, Pod]] = defaultdict(dict)
        self._logs: dict[str, Log] = {}
        #: What each trial's annotations have said so far, and the texts from which that is known.
        self._annotated: dict[str, tuple[tuple[str | None, str | None], Progress | None]] = {}
        #: Which attempt at a trial was seen to run, by its record's uid, until its end is recorded.
        self._begun: dict[str, int] = {}
        self._proposals: dict[str, Proposals] = {}
        self._joined: dict[str, Trial] = {}
        #: The trials of each sweep, and those of which its book does not know the newest.
        self._books: defaultdict[Owner, RosterBook] = defaultdict(RosterBook)
        self._changed: defaultdict[Owner, dict[str, None]] = defaultdict(dict)
        #: When a trial of a sweep last ended, or one that had ended went: on our clock, which never goes back.
        self._ends: dict[Owner, int] = {}
        self._priors = Priors(self)

    # --- asking -------------------------------------------------------------------------------------------------

    def sweep(self, key: Key) -> Sweep | None:
        """Return the HyperDrive of that name, or None."""
        return max(self._sweeps.get(key, {}).values(), key=version_of, default=None)

    def knows(self, sweep: Sweep) -> bool:
        """Tell whether this HyperDrive is there, as far as is known: not one of the same name."""
        return sweep.uid in self._views[HYPERDRIVES]

    def sweeps(self) -> list[Sweep]:
        """Return all HyperDrives."""
        return [view for view in self._views[HYPERDRIVES].values() if isinstance(view, Sweep)]

    def trials(self, sweep: Sweep) -> Roster:
        """Return the trials that this HyperDrive (not one of the same name before it) owns; till the next change."""
        owner = key_of_children(sweep)
        book = self._books[owner] if owner in self._records or self.knows(sweep) else RosterBook()
        for uid in self._changed.pop(owner, ()):
            trial = self.trial(uid)
            if trial is not None and sweep_of(trial.record) == owner:
                book.put(trial)
            else:
                book.remove(uid)
        return book.roster()

    def trial(self, record_uid: str) -> Trial | None:
        """Return one trial, None if it is not there (any more)."""
        record = self._views[HYPERDRIVE_TRIALS].get(record_uid)
        return (self._joined.get(record_uid) or self._join(record)) if isinstance(record, Record) else None

    def pods(self, job: Job) -> list[Pod]:
        """Return all pods of a Job."""
        return list(self._pods_of.get(key_of_children(job), {}).values())

    def records(self, sweep: Sweep) -> list[Record]:
        """Return the records of its trials, in any order."""
        return list(self._records.get(key_of_children(sweep), {}).values())

    def ends(self, sweep: Sweep) -> int:
        """Return a number that changes whenever one of its trials ends, or one that has ended goes."""
        return self._ends.get(key_of_children(sweep), 0)

    def prior(self, sweep: Sweep) -> Prior:
        """Return what earlier sweeps have found, for a HyperDrive with a warm start."""
        return self._priors.prior(sweep)

    def proposals(self, sweep: Sweep) -> Proposals:
        """Return what an optimiser has proposed for this HyperDrive and no trial has taken up."""
        return self._proposals.get(sweep.uid) or Proposals()

    def may_wait(self, kind: Kind, uid: str) -> bool:
        """Tell whether what is new of an object decides nothing that hurries: a pod, or a Job that has not finished."""
        view = self._views[kind].get(uid)
        return isinstance(view, Pod) or (isinstance(view, Job) and not view.finished)

    # --- learning -----------------------------------------------------------------------------------------------

    def observe(self, kind: Kind, event_type: str | None, body: Object) -> Key | None:
        """Take in an object; return the HyperDrive that it concerns if anything is new."""
        uid = body["metadata"]["uid"]
        if event_type == "DELETED":
            return self._forget(kind, uid, body)
        if uid in self._tombstones:
            return None
        known = self._views[kind].get(uid)
        self._clock += 1
        self._seen[uid] = self._clock
        if known is not None and not is_newer(body, known):
            return None
        view = read_view(kind, body, known)
        if view is None:
            return None
        if known is not None:
            self._detach(known)
        self._views[kind][uid] = view
        self._keys[uid] = sweep_key_of(kind, body)
        if isinstance(view, Record) and isinstance(known, Record) and view.attempt != known.attempt:
            self._logs.pop(uid, None)  # what the attempt before has said counts no more
            self._annotated.pop(uid, None)
        self._attach(view)
        # much of what changes in a Job or pod is of no concern to us: it shall not cost a pass
        return self._keys[uid] if known != view else None

    def confirm(self, kind: Kind, body: Object) -> None:
        """Take in what the API server was just asked for: it exists, even if streams and lists say that it is gone.

        They do when an object loses the label by which they select: its Job goes on, and must not be taken for lost.
        """
        uid = body["metadata"]["uid"]
        if self._tombstones.get(uid, 0) <= number_of(body["metadata"].get("resourceVersion", "")):
            self._tombstones.pop(uid, None)
        self.observe(kind, None, body)

    def forget(self, kind: Kind, uid: str) -> None:
        """Forget an object that by the API server's word is not there any more."""
        self._forget(kind, uid, None)

    def mark(self) -> int:
        """Return a mark to give to `forget_others`: what is observed after it is newer than the list asked for now."""
        return self._clock

    def forget_others(self, kind: Kind, listed: Set[str], mark: int, namespace: str | None = None) -> set[Key]:
        """Forget what a list (of a namespace, or of all) lacked, by uid, and return the HyperDrives concerned."""
        gone = [uid for uid in self._views[kind] if uid not in listed and self._seen.get(uid, 0) <= mark]
        if namespace is not None:
            gone = [uid for uid in gone if self._keys[uid].namespace == namespace]
        return {key for uid in gone if (key := self._forget(kind, uid, None)) is not None}

    def observe_log(self, record_uid: str, log: Log) -> None:
        """Take in what was read of a trial's output; kept until its record says how it ended."""
        record = self._views[HYPERDRIVE_TRIALS].get(record_uid)
        if isinstance(record, Record) and record.state not in ENDED and record.attempt == log.attempt:
            self._logs[record_uid] = log
            self._part(record)

    def observe_proposals(self, sweep: Sweep, proposals: Proposals) -> None:
        """Take in what an optimiser has proposed; each is kept until a trial has its number."""
        if sweep.uid in self._views[HYPERDRIVES]:
            self._proposals[sweep.uid] = proposals

    def forget_reports(self) -> None:
        """Forget what annotations have said so far: as after a restart, it goes on from what is recorded."""
        self._annotated.clear()
        for record in [*self._views[HYPERDRIVE_TRIALS].values()]:
            if isinstance(record, Record):
                self._part(record)

    # --- inside -------------------------------------------------------------------------------------------------

    def _forget(self, kind: Kind, uid: str, body: Object | None) -> Key | None:
        self._tombstones[uid] = number_of(body["metadata"].get("resourceVersion", "")) if body is not None else 0
        while len(self._tombstones) > MAX_TOMBSTONES:
            self._tombstones.popitem(last=False)
        view = self._views[kind].pop(uid, None)
        self._logs.pop(uid, None)
        self._annotated.pop(uid, None)
        self._begun.pop(uid, None)
        self._proposals.pop(uid, None)
        if kind is HYPERDRIVES:
            self._priors.forget(uid)
        self._seen.pop(uid, None)
        key = self._keys.pop(uid, None)
        if view is not None:
            self._detach(view)
        if isinstance(view, Sweep | Record):
            self._drop_book(view)
        return key or (sweep_key_of(kind, body) if body is not None else None)

    def _attach(self, view: View) -> None:
        match view:
            case Sweep():
                self._sweeps[Key(view.namespace, view.name)][view.uid] = view
            case Record():
                self._records[sweep_of(view)][view.uid] = view
                self._mark_end(view)
                self._part(view)
                if view.state in ENDED:
                    self._logs.pop(view.uid, None)
                    self._annotated.pop(view.uid, None)
                    self._begun.pop(view.uid, None)
                self._take_up(view)
            case Job():
                self._jobs_of[trial_of(view)][view.uid] = view
                self._part_job(view)
                record = self._views[HYPERDRIVE_TRIALS].get(view.trial_uid)
                if isinstance(record, Record) and is_current(view, record):
                    self._heed_annotations(record, view)  # now: several changes may come before the next pass
            case Pod():
                self._pods_of[job_of(view)][view.uid] = view
                self._part_job(self._views[JOBS].get(view.job_uid))

    def _detach(self, view: View) -> None:
        match view:
            case Sweep():
                _drop(self._sweeps, Key(view.namespace, view.name), view.uid)
            case Record():
                _drop(self._records, sweep_of(view), view.uid)
                self._mark_end(view)
                self._part(view)
            case Job():
                _drop(self._jobs_of, trial_of(view), view.uid)
                self._part_job(view)
            case Pod():
                _drop(self._pods_of, job_of(view), view.uid)
                self._part_job(self._views[JOBS].get(view.job_uid))

    def _drop_book(self, gone: Sweep | Record) -> None:
        """Drop the book of a sweep that has gone, with its last record: until then it knows whose records have gone."""
        owner, uid = (key_of_children(gone), gone.uid) if isinstance(gone, Sweep) else (sweep_of(gone), gone.sweep_uid)
        if owner not in self._records and uid not in self._views[HYPERDRIVES]:
            self._books.pop(owner, None)
            self._changed.pop(owner, None)

    def _mark_end(self, record: Record) -> None:
        if record.state in ENDED:
            self._clock += 1
            self._ends[sweep_of(record)] = self._clock
        if sweep_of(record) not in self._records:
            self._ends.pop(sweep_of(record), None)  # it was the last

    def _take_up(self, record: Record) -> None:
        """Drop the proposal of a trial that has its record: should that be deleted, newer results count."""
        known, sweep = self._proposals.get(record.sweep_uid), self._views[HYPERDRIVES].get(record.sweep_uid)
        if not isinstance(sweep, Sweep) or key_of_children(sweep) != sweep_of(record):
            return
        if known is not None and record.number in known.ready:
            ready = {number: one for number, one in known.ready.items() if number != record.number}
            self._proposals[record.sweep_uid] = replace(known, ready=ready)

    def _part_job(self, job: View | None) -> None:
        record = self._views[HYPERDRIVE_TRIALS].get(job.trial_uid) if isinstance(job, Job) else None
        if isinstance(record, Record):
            self._part(record)

    def _part(self, record: Record) -> None:
        """Note that something of a trial is new: it is joined again when somebody asks."""
        self._joined.pop(record.uid, None)
        self._changed[sweep_of(record)][record.uid] = None

    def _heed_annotations(self, record: Record, job: Job) -> Progress | None:
        """Return what a trial's annotations have said so far, each change of them counted once."""
        sweep = self._views[HYPERDRIVES].get(record.sweep_uid)
        if record.state in ENDED or not isinstance(sweep, Sweep) or sweep.spec is None:
            return None
        if sweep.spec.repeats > 1:
            return None  # they share the Job: whose its annotations are nobody knows
        texts = (job.metrics, job.curve)
        seen, known = self._annotated.get(record.uid, ((None, None), None))
        if texts != seen:
            if known is None and record.position is None and record.curve.reports:
                known = record.progress  # no log was counted in it: it is from the annotations that a restart forgot
            known = annotated(known, *texts, aim_of(sweep.spec.objective))
            self._annotated[record.uid] = (texts, known)
        return known

    def _join(self, record: Record) -> Trial:
        jobs = self._jobs_of.get(key_of_children(record), {}).values()
        job = max((one for one in jobs if one.attempt == record.attempt), key=version_of, default=None)
        former = max((one for one in jobs if one.attempt < record.attempt), key=version_of, default=None)
        pods = self.pods(job) if job else ()
        annotations = self._heed_annotations(record, job) if job is not None else None
        disrupted = newest_disrupted(pods) if pods else None
        pod = blamed(pods) if job is not None and job.finished == "Failed" else speaker(pods)
        log = self._logs.get(record.uid)
        spans = spans_of(pods) if record.state not in ENDED else ()
        # a Job has its name alone: where the next one is, the former is gone, whatever is still said of it
        former = former if job is None else None
        was_running = self._begun.get(record.uid) == record.attempt
        trial = Trial(record, job, pod, log, annotations, disrupted, former, spans, was_running)
        if trial.has_begun and record.state not in ENDED:
            self._begun[record.uid] = record.attempt
        self._joined[record.uid] = trial
        return trial


def _drop(index: dict[Any, dict[str, Any]], owner: Owner | Key, uid: str) -> None:
    members = index.get(owner)
    if members is not None:
        members.pop(uid, None)
        if not members:
            del index[owner]
