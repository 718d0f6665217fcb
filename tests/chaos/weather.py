"""What the proxy does to requests: rules that look at one and say what befalls it. Chance comes from the seed alone."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

RESOURCES = ("hyperdrives", "hyperdrivetrials", "jobs", "pods", "events")


@dataclass(frozen=True)
class Ask:
    """One request of the operator's."""

    method: str
    path: str
    query: Mapping[str, str]

    @property
    def is_watch(self) -> bool:
        """It asks for a stream of changes."""
        return "watch" in self.query

    @property
    def is_stream(self) -> bool:
        """Its answer has no end of its own: a watch, or a log that is followed."""
        return self.is_watch or "follow" in self.query

    @property
    def resource(self) -> str:
        """The resource that it is about; empty for anything else."""
        return next((part for part in reversed(self.path.split("/")) if part in RESOURCES), "")


@dataclass(frozen=True)
class Answer:
    """What is said in the API server's place. Status 0: the connection is reset."""

    status: int
    reason: str = ""
    message: str = "injected by the chaos suite"
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the API server's form of a refusal."""
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.status,
        }
        return json.dumps(status).encode()


RESET = Answer(0)
CONFLICT = Answer(409, "Conflict")
THROTTLED = Answer(429, "TooManyRequests", headers={"Retry-After": "1"})
BROKEN = Answer(500, "InternalError")
UNAVAILABLE = Answer(503, "ServiceUnavailable")
FORBIDDEN = Answer(403, "Forbidden")


@dataclass(frozen=True)
class Effect:
    """What befalls a request: a delay, an answer in the server's place, or one after the server has done as asked."""

    delay: float = 0.0
    before: Answer | None = None
    after: Answer | None = None


FINE = Effect()
Rule = Callable[[Ask], Effect | None]


class Weather:
    """The rules that hold now, and what streams suffer."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  not for secrets
        #: How often each effect was used, by its name.
        self.used: Counter[str] = Counter()
        self._rules: list[tuple[str, Rule]] = []
        #: Seconds by which every event of a watch is late.
        self.stale_seconds = 0.0
        #: Resources whose next watch is told that its version is compacted.
        self.gone: set[str] = set()
        #: By how much the clocks of the nodes are wrong, in seconds.
        self.skew_seconds = 0

    def effect(self, ask: Ask) -> Effect:
        """Say what befalls a request: the first rule that has something to say decides."""
        for name, rule in self._rules:
            effect = rule(ask)
            if effect is not None and effect != FINE:
                self.used[name] += 1
                return effect
        return FINE

    @contextmanager
    def rule(self, name: str, rule: Rule) -> Iterator[None]:
        """Let a rule hold for a while."""
        entry = (name, rule)
        self._rules.append(entry)
        try:
            yield
        finally:
            self._rules.remove(entry)

    def clear(self) -> None:
        """Let the sun shine."""
        self._rules.clear()
        self.stale_seconds, self.skew_seconds = 0.0, 0
        self.gone.clear()

    # --- rules ------------------------------------------------------------------------------------------------------

    def refusals(self, share: float, lost: float) -> Rule:
        """Refuse a share of all requests with any of the errors; of others lose the answer after they were applied."""

        def rule(ask: Ask) -> Effect | None:
            chance = self.random.random()
            if chance < share:
                errors = [CONFLICT, THROTTLED, BROKEN, UNAVAILABLE, RESET]
                # a conflict is the answer to a write only
                return Effect(before=self.random.choice(errors if ask.method != "GET" else errors[1:]))
            if chance < share + lost and not ask.is_stream:
                return Effect(after=self.random.choice([BROKEN, UNAVAILABLE, RESET]))
            return None

        return rule

    def slowness(self, longest: float) -> Rule:
        """Delay each request by up to so many seconds."""
        return lambda _: Effect(delay=self.random.uniform(0.0, longest))

    @staticmethod
    def answer(answer: Answer, **only: Any) -> Rule:
        """Give the same answer to all requests, or to those of a `method` and `resource` only."""

        def rule(ask: Ask) -> Effect | None:
            fits = all(getattr(ask, name) == value for name, value in only.items())
            return Effect(before=answer) if fits else None

        return rule
