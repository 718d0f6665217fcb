"""The syntax of names, label keys and label values, with the real server's explanations."""

import re
from typing import Final

_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_1035_LABEL: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAME_PART: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")

_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_DNS_1035_RULE: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_PART_RULE: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_VALUE_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_CONFIG_KEY_RULE: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def subdomain_problems(name: str) -> list[str]:
    """Return what keeps a text from being an RFC 1123 subdomain: the name of most objects."""
    return _too_long(name, 253) + ([] if _SUBDOMAIN.fullmatch(name) else [_SUBDOMAIN_RULE])


def label_problems(name: str) -> list[str]:
    """Return what keeps a text from being an RFC 1123 label: the name of a namespace or a container."""
    return _too_long(name, 63) + ([] if _LABEL.fullmatch(name) else [_LABEL_RULE])


def dns_1035_problems(name: str) -> list[str]:
    """Return what keeps a text from being a DNS 1035 label: a label that does not start with a digit."""
    return _too_long(name, 63) + ([] if _DNS_1035_LABEL.fullmatch(name) else [_DNS_1035_RULE])


def qualified_name_problems(name: str) -> list[str]:
    """Return what keeps a text from being a label or annotation key: [prefix/]name."""
    parts = name.split("/")
    if len(parts) > 2:
        rule = f"a valid label key {_PART_RULE} with an optional DNS subdomain prefix and '/' "
        return [rule + "(e.g. 'example.com/MyName')"]
    problems: list[str] = []
    if len(parts) == 2:
        if parts[0]:
            problems += [f"prefix part {problem}" for problem in subdomain_problems(parts[0])]
        else:
            problems.append("prefix part must be non-empty")
    part = parts[-1]
    if not part:
        problems.append("name part must be non-empty")
    elif len(part) > 63:
        problems.append("name part must be no more than 63 bytes")
    if not _NAME_PART.fullmatch(part):
        problems.append(f"name part {_PART_RULE}")
    return problems


def label_value_problems(value: str) -> list[str]:
    """Return what keeps a text from being the value of a label."""
    too_long = ["must be no more than 63 bytes"] if len(value) > 63 else []
    return too_long + ([] if _LABEL_VALUE.fullmatch(value) else [_LABEL_VALUE_RULE])


def config_key_problems(key: str) -> list[str]:
    """Return what keeps a text from being a key of a ConfigMap or Secret."""
    problems = _too_long(key, 253)
    if not _CONFIG_KEY.fullmatch(key):
        problems.append(_CONFIG_KEY_RULE)
    elif key == ".":
        problems.append("must not be '.'")
    elif key == "..":
        problems.append("must not be '..'")
    elif key.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def environment_name_problems(name: str) -> list[str]:
    """Return what keeps a text from being the name of an environment variable."""
    if name and all(" " <= char <= "~" and char != "=" for char in name):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def _too_long(text: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} characters"] if len(text) > limit else []
