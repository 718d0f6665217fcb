"""Optuna's TPE for many questions on the same results: what depends on the results alone is found out once."""

import warnings
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from hyperdrive_operator.api.v1alpha1 import BayesianOptions

Space = dict[str, BaseDistribution]


class SeededTPESampler(TPESampler):
    """TPE that is given a seed before each question, for a study that gets no more results.

    Optuna's own looks through all trials for the space they share each time a sampler is new, and makes its models of
    what is promising and of what is not anew for each question: most of what a question costs, and one of ten that are
    asked in a row where all that is proposed has run needs it.
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
        self._shared_space: Space | None = None
        #: By the parameters that are modelled together: the models of promising combinations and of the others.
        self._models: dict[tuple[str, ...], list[Any]] = {}

    def seed(self, seed: int) -> None:
        """Make the next answer a function of the seed and the study."""
        self._rng.rng.seed(seed)
        self._random_sampler = RandomSampler(seed=seed)

    def forget_models(self) -> None:
        """Make the models anew for the next question: the study has one more trial, which runs."""
        self._models.clear()

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Space:
        """Return the parameters that are modelled together, as Optuna finds them."""
        if self._shared_space is None:
            self._shared_space = super().infer_relative_search_space(study, trial)
        return self._shared_space

    def _sample(self, study: optuna.Study, trial: FrozenTrial, search_space: Space) -> dict[str, Any]:
        """Draw as Optuna does, from the models that it has made for the question before if they still hold."""
        known = self._models.get(tuple(search_space))
        if known is None:
            return super()._sample(study, trial, search_space)
        promising, others = known
        samples = promising.sample(self._rng.rng, self._n_ei_candidates)
        best = self._compare(samples, self._compute_acquisition_func(samples, promising, others))
        return {name: one.to_external_repr(best[name]) for name, one in search_space.items()}

    def _build_parzen_estimator(
        self, study: optuna.Study, search_space: Space, trials: list[FrozenTrial], handle_below: bool
    ) -> Any:
        """Keep each model; Optuna makes that of the promising first."""
        model = super()._build_parzen_estimator(study, search_space, trials, handle_below)
        self._models.setdefault(tuple(search_space), []).append(model)
        return model
