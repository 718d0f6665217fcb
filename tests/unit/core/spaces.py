"""Random search spaces, for properties that hold for every one."""

from typing import Any

from hypothesis import strategies as st
from tests.support.builders import sweep_manifest

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec, Parameter

WHOLE = st.integers(-(10**6), 10**6)
FRACTION = st.floats(-1e6, 1e6, allow_nan=False)
#: As wild as a double gets.
WILD = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(5e-324, 1.7e308)


def parameter(**expression: Any) -> Parameter:
    """Parse one parameter named x."""
    return Parameter.model_validate({"name": "x", **expression})


def spec(*parameters: Any, total: int = 100, algorithm: str = "Random", seed: int = 0) -> HyperDriveSpec:
    """Parse a spec with that search space."""
    return HyperDriveSpec.model_validate(
        sweep_manifest(
            searchSpace=list(parameters),
            samplingAlgorithm={"type": algorithm, "seed": seed},
            limits={"maxTotalTrials": total},
        )["spec"]
    )
