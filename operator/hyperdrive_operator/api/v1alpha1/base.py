"""What all models share: camelCase, immutability, and rules that both Python and the API server enforce."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

#: A JSON number that keeps its type: 32 stays an integer on its way to the script. Never NaN, never a boolean.
Number = Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Model(BaseModel):
    """A frozen value with camelCase names. Unknown fields are ignored, as the API server prunes them."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        strict=True,
        extra="ignore",
    )


def cel(*rules: tuple[str, str], **extra: Any) -> dict[str, Any]:
    """Build a model's schema extras from (CEL rule, message) pairs.

    Each rule has a twin among the model's validators; tests feed both the same manifests.
    """
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules], **extra}
