"""What comes in and goes out: bodies, media types, and errors as Status objects."""

import json
from typing import Any

import yaml
from aiohttp import web

from hyperdrive_local.errors import ApiError, bad_request, unsupported_media_type
from hyperdrive_local.kinds import Kind
from hyperdrive_local.objects import Object
from hyperdrive_local.server import protobuf

MAX_BODY = 3 * 1024 * 1024  # as the real server
JSON_TYPES = {"application/json", ""}
YAML_TYPES = {"application/yaml", "text/yaml", "application/x-yaml"}
ACCEPTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


class Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: a time is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def encode(value: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def respond(value: Any, status: int = 200, warnings: list[str] | None = None, media_type: str = "") -> web.Response:
    """A response of JSON, with what the client is to be warned of."""
    response = web.Response(body=encode(value), status=status)
    response.headers["Content-Type"] = media_type or "application/json"
    response.headers["Cache-Control"] = "no-cache, private"
    for warning in warnings or []:
        text = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{text}"')
    return response


async def read_body(request: web.Request, kind: Kind) -> Any:
    """The object that a request brings."""
    content_type = request.content_type if "Content-Type" in request.headers else ""
    if content_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(await request.read(), kind.resource.kind)
    if content_type not in JSON_TYPES | YAML_TYPES:
        message = "the body of the request was in an unknown format - accepted media types include: "
        raise unsupported_media_type(message + ACCEPTED)
    body = await request.read()
    return parse(body, kind.resource.kind, is_yaml=content_type in YAML_TYPES)


def parse(body: bytes, wanted: str, *, is_yaml: bool = False) -> Any:
    """A body as the object that it should be; ApiError 400 if it is no text of one."""
    try:
        return yaml.load(body, Loader) if is_yaml else json.loads(body)  # noqa: S506  a SafeLoader
    except (ValueError, yaml.YAMLError) as error:
        text = body[:40].decode(errors="replace")
        problem = f"couldn't get version/kind; json parse error: {error} ({text})"
        raise bad_request(f"the object provided is unrecognized (must be of type {wanted}): {problem}") from error


def wants_table(request: web.Request) -> bool:
    """Whether the client prefers a `Table`, as kubectl does to print."""
    for accepted in _accepted(request):
        media_type, parameters = accepted
        if media_type == "application/json" and parameters.get("as", "") == "Table":
            return parameters.get("v", "v1") == "v1"
        if media_type in {"application/json", "*/*", "application/*"} and "as" not in parameters:
            return False
    return False


def check_accepts_json(request: web.Request) -> None:
    """Refuse a client that reads nothing that is spoken here."""
    readable = {"application/json", "application/yaml", "application/*", "*/*", ""}
    accepted = _accepted(request)
    if accepted and not any(media_type in readable for media_type, _ in accepted):
        message = "only the following media types are accepted: application/json"
        raise ApiError(406, "NotAcceptable", message, {})


def _accepted(request: web.Request) -> list[tuple[str, dict[str, str]]]:
    header = ",".join(request.headers.getall("Accept", []))
    found = []
    for entry in header.split(","):
        media_type, *parameters = [part.strip() for part in entry.split(";")]
        pairs = dict(parameter.partition("=")[::2] for parameter in parameters)
        found.append((media_type, pairs))
    return found if header.strip() else []


def accepts(request: web.Request, **parameters: str) -> bool:
    """Whether the client takes JSON in this form, such as `as="APIGroupDiscoveryList"`."""
    return any(parameters.items() <= given.items() for _, given in _accepted(request))


def status_response(error: ApiError) -> web.Response:
    """A refusal."""
    response = respond(error.status(), error.code)
    if error.code in {429, 504}:
        response.headers["Retry-After"] = "1"
    return response


def success(kind: Kind, obj: Object) -> Object:
    """The Status that says of an object that it is gone."""
    resource, metadata = kind.resource, obj["metadata"]
    details = {"name": metadata["name"], "group": resource.group, "kind": resource.plural, "uid": metadata["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }
