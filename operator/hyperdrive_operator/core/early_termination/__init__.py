"""Early termination: which running trials are not worth their time, and why (docs/early-termination.md)."""

from .judge import Judge, Judgement
from .verdict import Verdict

__all__ = ["Judge", "Judgement", "Verdict"]
