"""The CRDs' schemas as an API server applies them, by the embedded cluster's own judge."""

from hyperdrive_local.schema.structural import StructuralSchema
from hyperdrive_operator.api.schema import custom_resource_definitions
from hyperdrive_operator.kube.kinds import Object

HYPERDRIVE, TRIAL = (
    StructuralSchema(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]) for crd in custom_resource_definitions()
)


def admits(schema: StructuralSchema, body: Object) -> bool:
    """Prune and default an object in place; tell whether it may be stored."""
    try:
        schema.prune(body)
        schema.default(body)
        return not schema.validate(body)
    except OverflowError:  # a number beyond any float: Go's parser refuses it
        return False
