"""Label and field selectors: text to a test of an object."""

import re
from collections.abc import Callable
from typing import Any

from hyperdrive_local.errors import ApiError, bad_request
from hyperdrive_local.objects import Object
from hyperdrive_local.resources import BUILTIN, JOBS, Resource

Test = Callable[[Object], bool]

LABEL_TOKEN = re.compile(r"\s*(==|!=|=|<|>|!|,|\(|\)|[^\s=!<>,()]+)")
PUNCTUATION = {"=", "==", "!=", "<", ">", ",", "(", ")", "!"}
FIELD_TERM = re.compile(r"([^=!]+?)(==|!=|=)(.*)", re.DOTALL)

# what each kind can be selected by besides its name and namespace, as the real server has it
FIELDS = {
    ("", "pods"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    ("", "events"): (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("batch", "jobs"): ("status.successful",),
}


def everything(_obj: Object) -> bool:
    """Match all: what an empty selector selects."""
    return True


def parse_labels(text: str) -> Test:
    """A label selector: `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`, joined by commas."""
    if not text.strip():
        return everything
    tests = _LabelParser(text).parse()

    def matches(obj: Object) -> bool:
        labels = obj.get("metadata", {}).get("labels") or {}
        return all(test(labels) for test in tests)

    return matches


class _LabelParser:
    """Recursive descent over the tokens of one selector."""

    def __init__(self, text: str) -> None:
        self.tokens = LABEL_TOKEN.findall(text)
        self.at = 0

    def take(self) -> str:
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        self.at += 1
        return token

    def parse(self) -> list[Callable[[dict[str, str]], bool]]:
        tests = [self.requirement("!, identifier, or 'end of string'")]
        while (after := self.take()) == ",":
            tests.append(self.requirement("identifier after ','"))
        if after:
            raise bad_request(f"found '{after}', expected: ',' or 'end of string'")
        return tests

    def requirement(self, expected: str) -> Callable[[dict[str, str]], bool]:
        key = self.take()
        if key == "!":
            absent = self.identifier(self.take())
            return lambda labels: absent not in labels
        if not key or key in PUNCTUATION:
            raise bad_request(f"found '{key}', expected: {expected}")
        operator = self.tokens[self.at] if self.at < len(self.tokens) else ","
        if operator == ",":
            return lambda labels: key in labels
        self.at += 1
        if operator in {"=", "==", "!="}:
            return self.equality(key, operator)
        if operator in {"in", "notin"}:
            values = self.values()
            return lambda labels: (labels.get(key) in values) is (operator == "in")
        if operator in {"<", ">"}:
            return self.comparison(key, operator)
        raise _unparsable(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")

    def equality(self, key: str, operator: str) -> Callable[[dict[str, str]], bool]:
        value = "" if self.at >= len(self.tokens) or self.tokens[self.at] == "," else self.identifier(self.take())
        return lambda labels: (labels.get(key) == value) is (operator != "!=")

    def comparison(self, key: str, operator: str) -> Callable[[dict[str, str]], bool]:
        text = self.take()
        if not text.lstrip("-").isdigit():
            problem = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise _unparsable(f'values[0]: Invalid value: "{text}": {problem}')
        bound = int(text)

        def compare(labels: dict[str, str]) -> bool:
            value = labels.get(key, "")
            return value.lstrip("-").isdigit() and (int(value) < bound if operator == "<" else int(value) > bound)

        return compare

    def values(self) -> set[str]:
        if (opening := self.take()) != "(":
            raise _unparsable(f"found '{opening}' expected: '('")
        values = {""} if self.tokens[self.at : self.at + 1] == [")"] else {self.identifier(self.take())}
        while (after := self.take()) == ",":
            values.add(self.identifier(self.take()))
        if after != ")":
            raise _unparsable(f"found '{after}', expected: ',' or ')'")
        return values

    @staticmethod
    def identifier(token: str) -> str:
        if not token or token in PUNCTUATION:
            raise _unparsable(f"found '{token}', expected: identifier")
        return token


def _unparsable(problem: str) -> ApiError:
    return bad_request(f"unable to parse requirement: {problem}")


def parse_fields(text: str, resource: Resource) -> Test:
    """A field selector, of the fields that the kind can be selected by."""
    if not text.strip():
        return everything
    tests: list[Test] = []
    for term in text.split(","):
        match = FIELD_TERM.fullmatch(term.strip())
        if not match:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        field, operator, value = match.groups()
        read = _reader(resource, field.strip())
        tests.append(lambda obj, read=read, value=value, same=operator != "!=": (read(obj) == value) is same)  # type: ignore[misc]  # mypy cannot type a lambda's defaults
    return lambda obj: all(test(obj) for test in tests)


def _reader(resource: Resource, field: str) -> Callable[[Object], str]:
    stored = field
    supported: tuple[str, ...] = FIELDS.get(resource.storage_key, ())
    if resource.group == "events.k8s.io":
        supported = tuple(name.replace("involvedObject.", "regarding.") for name in supported)
        supported = tuple("reportingController" if name == "reportingComponent" else name for name in supported)
        stored = field.replace("regarding.", "involvedObject.").replace("reportingController", "reportingComponent")
    scope = ("metadata.namespace",) if resource.namespaced else ()
    if field not in {"metadata.name", *scope, *supported}:
        raise bad_request(_unsupported(resource, field))
    if field == "source":
        return lambda obj: str(obj.get("source", {}).get("component", ""))
    if field == "status.successful":
        return lambda obj: str(obj.get("status", {}).get("succeeded", 0))
    path = stored.split(".")
    default = "false" if stored in {"spec.unschedulable", "spec.hostNetwork"} else ""
    return lambda obj: _text_at(obj, path, default)


def _unsupported(resource: Resource, field: str) -> str:
    if resource == JOBS:
        return f'field label "{field}" not supported for Job'
    if resource in BUILTIN and resource.storage_key not in FIELDS:
        return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    return f"field label not supported: {field}"


def _text_at(obj: Object, path: list[str], default: str) -> str:
    value: Any = obj
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return default if value is None else str(value)


def parse(resource: Resource, label_selector: str, field_selector: str) -> Test:
    """Both selectors as one test."""
    labels, fields = parse_labels(label_selector), parse_fields(field_selector, resource)
    if fields is everything:
        return labels
    if labels is everything:
        return fields
    return lambda obj: labels(obj) and fields(obj)
