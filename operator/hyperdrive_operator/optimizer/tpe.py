"""Optuna's TPE for many questions on the same results: what depends on the results alone is found out once."""

import warnings

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from hyperdrive_operator.api.v1alpha1 import BayesianOptions


class SeededTPESampler(TPESampler):
    """TPE that is given a seed before each question, for a study that gets no more results.

    Optuna's own looks through all trials for the space they share each time a sampler is new, which would be half of
    the cost of a question.
    """

    def __init__(self, options: BayesianOptions, *, is_conditional: bool) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # `group`, since years
            super().__init__(
                n_startup_trials=1,  # these are drawn by ourselves
                n_ei_candidates=options.candidates,
                multivariate=options.multivariate,
                group=options.multivariate and is_conditional,
                constant_liar=True,
            )
        self._shared_space: dict[str, BaseDistribution] | None = None

    def seed(self, seed: int) -> None:
        """Make the next answer a function of the seed and the study."""
        self._rng.rng.seed(seed)
        self._random_sampler = RandomSampler(seed=seed)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters that are modelled together, as Optuna finds them."""
        if self._shared_space is None:
            self._shared_space = super().infer_relative_search_space(study, trial)
        return self._shared_space
