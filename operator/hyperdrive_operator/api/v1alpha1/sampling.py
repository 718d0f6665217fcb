"""HyperDrive.spec.samplingAlgorithm: how the next combination is chosen, with the options of each algorithm."""

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from .base import Model, Number, cel

#: The member that holds the options of a type; the others have none.
OPTIONS: Final = {"bayesian": "Bayesian", "cmaEs": "CmaEs", "nsgaII": "NsgaII", "sobol": "Sobol"}
_STANDS_ALONE: Final = {
    member: f"{member} stands only with type {kind}: remove it, or set the type" for member, kind in OPTIONS.items()
}

_IMMUTABLE: Final = (
    "samplingAlgorithm is immutable: trials under other rules could not be compared. Create another HyperDrive instead"
)

InitialStep = Annotated[Number, Field(gt=0, le=1)]
Probability = Annotated[Number, Field(ge=0, le=1)]


class BayesianOptions(Model):
    """Options of Bayesian."""

    startup_trials: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="Combinations are drawn at random until so many trials have a result.",
    )
    multivariate: bool = Field(
        default=True,
        description="Whether parameters are modelled together. false models each by itself: it misses what depends on "
        "two of them at once.",
    )
    candidates: int = Field(
        default=24,
        ge=1,
        le=1_000,
        description="Combinations drawn from the model for each trial, the most promising of which is run.",
    )


class CmaEsOptions(Model):
    """Options of CmaEs."""

    population_size: int | None = Field(
        default=None,
        ge=4,
        le=1_000,
        description="Results to each step of the search. Without it 4 + 3 ln(number of modelled parameters).",
    )
    initial_step: InitialStep | None = Field(
        default=None,
        description="How far the first combinations lie from the middle, as a share of each parameter's range. "
        "Without it a sixth.",
    )


class NsgaIIOptions(Model):
    """Options of NsgaII."""

    population_size: int = Field(
        default=50,
        ge=2,
        le=1_000,
        description="Results to a generation. The first generation is drawn at random.",
    )
    crossover_probability: Probability = Field(
        default=0.9,
        description="How often a combination is made from two parents instead of one.",
    )
    mutation_probability: Probability | None = Field(
        default=None,
        description="How often a value is drawn at random instead of taken from a parent. "
        "Without it 1 / number of parameters.",
    )


class SobolOptions(Model):
    """Options of Sobol."""

    scramble: bool = Field(
        default=True,
        description="Whether the seed shifts the sequence. false runs the plain sequence, the same for every seed.",
    )


class SamplingAlgorithm(Model):
    """How the next combination is chosen."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("self == oldSelf", _IMMUTABLE),
            *(
                (f"!has(self.{member}) || self.type == '{kind}'", _STANDS_ALONE[member])
                for member, kind in OPTIONS.items()
            ),
        )
    )

    type: Literal["Random", "Grid", "Sobol", "Bayesian", "CmaEs", "NsgaII"] = Field(
        default="Random",
        description="Random draws each combination from the search space; Grid runs every combination once, "
        "the last parameter varying fastest; Sobol covers the space more evenly than Random, with a quasi-random "
        "sequence; Bayesian (TPE) learns from results which values are promising, in any search space; CmaEs moves a "
        "normal distribution over the numeric parameters without a condition, of which it needs two, and draws the "
        "others at random; NsgaII breeds combinations from the best so far, for several objectives.",
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        description="The same manifest with the same seed gives the same trials in the same order; with Bayesian, "
        "CmaEs and NsgaII, as far as the same results come in the same order. Grid has no use for it.",
    )
    bayesian: BayesianOptions | None = Field(default=None, description="Options of type Bayesian.")
    cma_es: CmaEsOptions | None = Field(default=None, description="Options of type CmaEs.")
    nsga_ii: NsgaIIOptions | None = Field(default=None, alias="nsgaII", description="Options of type NsgaII.")
    sobol: SobolOptions | None = Field(default=None, description="Options of type Sobol.")

    @model_validator(mode="after")
    def _has_its_own_options_only(self) -> Self:
        given = {"bayesian": self.bayesian, "cmaEs": self.cma_es, "nsgaII": self.nsga_ii, "sobol": self.sobol}
        for member, options in given.items():
            if options is not None and self.type != OPTIONS[member]:
                raise ValueError(_STANDS_ALONE[member])
        return self
