"""One of several replicas works, the others stand by: leader election by a Lease.

Correctness never depends on it: two operators at once would do the same work twice; every write has its precondition.

``kubernetes.aio.leaderelection`` was looked at and not taken: a connection that breaks ends it (it knows ApiException
alone), no request has a time-out, a Lease is never given back, and the times it writes are local ones called UTC.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from hyperdrive_operator.core.election import Claim, Sight, Timing, free_from, given_back, look, read_claim, taken
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import AlreadyExistsError, ClusterError, ConflictError, NotFoundError
from hyperdrive_operator.kube.kinds import LEASES, Object

from .config import LeaseName

logger = logging.getLogger(__name__)

#: Of the time in which a Lease must be renewed: a request that hangs leaves time for another.
ATTEMPT: Final = 0.45
#: Longer the end of the process must not wait for it: who stands by takes the Lease anyway once it has expired.
RELEASE_SECONDS: Final = 1.0


class LeaseLostError(Exception):
    """We were the leader and may be so no more: stop at once, another may have begun."""


class Elector:
    """Takes the Lease when it is free, renews it, and gives it back. Lives in one event loop."""

    def __init__(
        self,
        client: KubeClient,
        lease: LeaseName,
        identity: str,
        timing: Timing,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[bool], None] = lambda is_held: None,  # noqa: ARG005  a default that does nothing
    ) -> None:
        self._client = client
        self._lease = lease
        self._identity = identity
        self._timing = timing
        self._clock = clock
        self._on_change = on_change
        self._taken = asyncio.Event()
        self._sight: Sight | None = None
        self._version = ""
        #: When we sent the request that last made the Lease ours.
        self._renewed_at = float("-inf")
        self._said = ""

    # --- what others ask ------------------------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """We are the leader, and nobody else can be. True only as long as the Lease can't have expired."""
        return self._taken.is_set() and _now() < self._renewed_at + self._timing.duration

    @property
    def role(self) -> str:
        """What we are, for people."""
        if self.is_held:
            return "leader"
        holder = self._sight.claim.holder if self._sight is not None else ""
        return f"standby, the leader is {holder}" if holder else "standby, there is no leader"

    async def wait(self) -> None:
        """Return when we are the leader."""
        await self._taken.wait()

    # --- life -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Wait for the Lease, then keep it. Ends only by LeaseLostError."""
        while not await self._try_to_take():  # noqa: ASYNC110  # what is waited for happens in another process
            await asyncio.sleep(self._seconds_to_next_look())
        self._taken.set()
        self._on_change(True)
        logger.info("leading", extra={"lease": str(self._lease), "identity": self._identity})
        try:
            while True:
                await asyncio.sleep(self._timing.renew_every)
                await self._renew()
        except LeaseLostError:
            self._taken.clear()  # not a write more, though the Lease may not have expired yet
            self._on_change(False)
            raise

    async def release(self) -> None:
        """Give the Lease back if it is ours. Whatever keeps us from it: it expires by itself."""
        if not self.is_held:
            return
        self._taken.clear()
        self._on_change(False)
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._give_back()
        except (ClusterError, TimeoutError) as error:
            logger.info("the Lease was not given back: it expires", extra={"error": str(error) or "time-out"})
        else:
            logger.info("gave the Lease back", extra={"lease": str(self._lease)})

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _give_back(self) -> None:
        try:
            await self._patch(given_back(self._clock()))
        except ConflictError:  # a renewal that was cut off has arrived all the same
            claim = await self._look()
            if claim is not None and claim.holder == self._identity:
                await self._patch(given_back(self._clock()))

    async def _try_to_take(self) -> bool:
        """Take the Lease if it is free; say why not when that is new."""
        problem = ""
        try:
            async with asyncio.timeout(self._timing.renew_deadline * ATTEMPT):
                if await self._take():
                    return True
        except ConflictError:  # another was faster, by creating it as well: the next look shows who
            return False
        except (ClusterError, TimeoutError) as error:
            problem = str(error) or "no answer in time"
        self._say(problem)
        return False

    async def _take(self) -> bool:
        """Read the Lease, and write ourselves into it if it is free. Raises ClusterError."""
        claim = await self._look()
        if claim is not None and self._sight is not None and _now() < free_from(self._sight, self._identity):
            return False
        await self._write(claim)
        return True

    async def _look(self) -> Claim | None:
        try:
            body = await self._client.get(LEASES, self._lease.namespace, self._lease.name)
        except NotFoundError:
            self._sight, self._version = None, ""
            return None
        self._learn(body)
        return read_claim(body)

    async def _renew(self) -> None:
        """Renew the Lease, again and again while it does not work and there is time."""
        deadline = self._renewed_at + self._timing.renew_deadline
        while True:
            try:
                async with asyncio.timeout_at(min(_now() + self._timing.renew_deadline * ATTEMPT, deadline)):
                    await self._renew_once()
                return
            except (ClusterError, TimeoutError) as error:
                problem = str(error) or "no answer in time"
            if _now() + self._timing.look_every >= deadline:
                raise LeaseLostError(f"it could not be renewed for {self._timing.renew_deadline:g} s: {problem}")
            logger.warning("the Lease was not renewed, next try follows", extra={"error": problem})
            await asyncio.sleep(self._timing.look_every)

    async def _renew_once(self) -> None:
        try:
            if self._version:
                await self._write(self._sight.claim if self._sight is not None else None)
                return
        except (ConflictError, NotFoundError):
            pass  # somebody has changed or deleted it: is it still ours?
        claim = await self._look()
        if claim is not None and claim.holder != self._identity:
            raise LeaseLostError(f"{claim.holder or 'somebody'} has changed it")
        await self._write(claim)

    async def _write(self, claim: Claim | None) -> None:
        """Make the Lease ours: create it, or change the version that we have seen and no other."""
        sent = _now()
        spec = taken(claim, self._identity, self._timing.duration, self._clock())
        if claim is None:
            body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": {"name": self._lease.name}}
            try:
                self._learn(await self._client.create(LEASES, self._lease.namespace, body | {"spec": spec}))
            except AlreadyExistsError as error:
                raise ConflictError(error.status, error.reason, error.message) from error
        else:
            await self._patch(spec)
        self._renewed_at = sent

    async def _patch(self, spec: Object) -> None:
        patch = {"metadata": {"resourceVersion": self._version}, "spec": spec}
        self._learn(await self._client.patch(LEASES, self._lease.namespace, self._lease.name, patch))

    def _learn(self, body: Object) -> None:
        self._version = str(body["metadata"]["resourceVersion"])
        self._sight = look(self._sight, read_claim(body), _now())

    def _seconds_to_next_look(self) -> float:
        """As soon as it can be free, and often enough to see that it was given back."""
        until_free = free_from(self._sight, self._identity) - _now() if self._sight is not None else 0.0
        return min(until_free, self._timing.look_every) if until_free > 0 else self._timing.look_every

    def _say(self, problem: str) -> None:
        """Log whom we wait for, or what is in the way, once."""
        said = problem or self.role
        if said == self._said:
            return
        self._said = said
        if problem:
            logger.warning(
                "the Lease can't be taken, next try follows", extra={"lease": str(self._lease), "error": problem}
            )
        else:
            logger.info(said, extra={"lease": str(self._lease), "identity": self._identity})


def _now() -> float:
    return asyncio.get_running_loop().time()
