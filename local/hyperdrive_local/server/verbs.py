"""The verbs: each HTTP method on objects and collections, as calls of the registry."""

from collections.abc import Callable

from aiohttp import web

from hyperdrive_local.errors import bad_request, method_not_allowed
from hyperdrive_local.objects import Object
from hyperdrive_local.presentation.presenting import presented
from hyperdrive_local.presentation.tables import table
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import NAMESPACES, PODS
from hyperdrive_local.server import messages
from hyperdrive_local.server.options import delete_options, is_true, list_options, write_options
from hyperdrive_local.server.reading import Lists, Page, list_of, table_of
from hyperdrive_local.server.routing import Target
from hyperdrive_local.server.watching import Watch
from hyperdrive_local.writes.deletion import DeleteOptions
from hyperdrive_local.writes.patching import APPLY


class Verbs:
    """What can be done with objects over HTTP."""

    def __init__(self, registry: Registry, is_over: Callable[[], bool]) -> None:
        self.registry = registry
        self.writer = registry.writer
        self.lists = Lists(registry)
        self.is_over = is_over

    async def handle(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Do what the method says."""
        verb = {
            "GET": self.read,
            "POST": self.create,
            "PUT": self.update,
            "PATCH": self.patch,
            "DELETE": self.delete,
        }.get(request.method)
        if verb is None or (target.subresource and request.method in {"POST", "DELETE"}):
            raise method_not_allowed()
        return await verb(request, target)

    async def read(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Get, list or watch."""
        messages.check_accepts_json(request)
        include = request.query.get("includeObject", "Metadata")
        rows = include if messages.wants_table(request) else ""
        if target.name:
            stored = self.writer.stored(target.kind, target.key_namespace, target.name)
            return self._one(target, stored, rows)
        watch = is_true(request.query, "watch")
        options = list_options(request.query, watch=watch)
        if watch:
            return await Watch(self.registry, target, options, rows=rows).run(request, self.is_over)
        page = self.lists.page(target, options)
        return messages.respond(table_of(target.kind, page, rows) if rows else list_of(target.kind, page))

    @staticmethod
    def _one(target: Target, obj: Object, rows: str) -> web.Response:
        if rows:
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return messages.respond(table(target.kind, [obj], metadata, include=rows))
        return messages.respond(presented(target.kind, obj))

    async def create(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Store a new object."""
        if target.name:
            raise method_not_allowed()
        options = write_options(request.query, "CreateOptions")
        body = await messages.read_body(request, target.kind)
        namespace = self._namespace(target, body)
        created = self.writer.create(target.kind, namespace, body, options)
        return messages.respond(presented(target.kind, created), 201, options.warnings)

    @staticmethod
    def _namespace(target: Target, body: object) -> str:
        if target.kind.resource.namespaced and target.namespace is None:
            # there is such a path, but no object can be made there
            raise method_not_allowed()
        return target.key_namespace if isinstance(body, dict) else ""

    async def update(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Replace an object or its status."""
        _require_name(target)
        options = write_options(request.query, "UpdateOptions", target.subresource)
        body = await messages.read_body(request, target.kind)
        updated = self.writer.update(target.kind, target.key_namespace, target.name, body, options)
        return messages.respond(presented(target.kind, updated), 200, options.warnings)

    async def patch(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Change an object or its status."""
        _require_name(target)
        options = write_options(request.query, "PatchOptions", target.subresource)
        content_type = request.content_type
        patch = None
        if content_type != APPLY:
            patch = messages.parse(await request.read(), target.kind.resource.kind, is_yaml="yaml" in content_type)
        patched = self.writer.patch(
            target.kind, target.key_namespace, target.name, patch, content_type=content_type, options=options
        )
        return messages.respond(presented(target.kind, patched), 200, options.warnings)

    async def delete(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Delete an object, or all that are selected."""
        body = await request.read()
        parsed = messages.parse(body, "DeleteOptions", is_yaml="yaml" in request.content_type) if body else None
        options = delete_options(target.kind, request.query, parsed)
        if not target.name:
            return self._delete_collection(request, target, options)
        obj, gone = self.writer.delete(target.kind, target.key_namespace, target.name, options)
        shown = presented(target.kind, obj)
        if gone and target.kind.resource != PODS:
            shown = messages.success(target.kind, obj)
        return messages.respond(shown)

    def _delete_collection(self, request: web.Request, target: Target, options: DeleteOptions) -> web.Response:
        if target.kind.resource == NAMESPACES or (target.kind.resource.namespaced and target.namespace is None):
            raise method_not_allowed()
        page = self.lists.page(target, list_options(request.query, watch=False))
        deleted = []
        for obj in page.objects:
            metadata = obj["metadata"]
            result = self.writer.delete(target.kind, metadata.get("namespace", ""), metadata["name"], options)
            deleted.append(result[0])
        return messages.respond(list_of(target.kind, Page(deleted, page.version)))


def _require_name(target: Target) -> None:
    if not target.name:
        raise bad_request("name must be provided")
