"""Images without a registry: a folder with a Dockerfile stands for the image that would be built from it.

Of the Dockerfile's last stage, ENTRYPOINT, CMD, ENV and WORKDIR are read, and nothing is built: what RUN installs must
be there already, in the interpreter that runs the cluster. The folder itself is what WORKDIR names. ENV PATH is left
out: `python` has to be the cluster's own.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONTINUATION = re.compile(r"\\[ \t]*\n")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
BARE_PYTHON = re.compile(r"(?:docker\.io/)?(?:library/)?python(?::[^/]*)?(?:@.*)?")
DEFAULT_REGISTRY = re.compile(r"^(?:docker\.io/library/|docker\.io/)")


@dataclass(frozen=True, slots=True)
class Image:
    """What a container gets from its image."""

    folder: Path | None = None  # None: nothing but an interpreter
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = "/"


class ImageError(Exception):
    """A Dockerfile that can't be read as an image: the message names the file, the line and the fix."""


class ImageTable:
    """The images that this node can run."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = {_full_name(name): folder.resolve() for name, folder in folders.items()}
        for folder in self._folders.values():
            read_image(folder)  # a bad Dockerfile is told of at the start

    def find(self, name: str) -> Image | None:
        """The image of that name; read anew, so that an edited Dockerfile counts for the next pod."""
        if folder := self._folders.get(_full_name(name)):
            return read_image(folder)
        if BARE_PYTHON.fullmatch(name):
            return Image(command=("python3",))
        return None


def _full_name(name: str) -> str:
    """One spelling for each image: without docker.io, with the tag that is meant when none is given."""
    name = DEFAULT_REGISTRY.sub("", name)
    last = name.rpartition("/")[2]
    return name if ":" in last or "@" in last else f"{name}:latest"


def read_image(folder: Path) -> Image:
    """The image that a folder stands for; ImageError if its Dockerfile can't be understood."""
    path = folder / "Dockerfile"
    if not folder.is_dir():
        raise ImageError(f"{folder} is no folder")
    if not path.is_file():
        return Image(folder=folder, command=("python3",))
    return parse_dockerfile(path.read_text(encoding="utf-8"), folder)


def parse_dockerfile(text: str, folder: Path) -> Image:
    """The image that a Dockerfile describes, as far as it is read here."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    working_dir = "/"
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for instruction in CONTINUATION.sub(" ", "\n".join(lines)).splitlines():
        word, _, rest = instruction.strip().partition(" ")
        rest = rest.strip()
        match word.upper():
            case "FROM":
                entrypoint, command, environment, working_dir = (), (), {}, "/"
            case "ENTRYPOINT":
                entrypoint, command = _words(rest, instruction, folder), ()
            case "CMD":
                command = _words(rest, instruction, folder)
            case "ENV":
                environment |= _variables(rest, environment, instruction, folder)
            case "WORKDIR":
                path = _expand(rest.strip("\"'"), environment)
                working_dir = path if path.startswith("/") else f"{working_dir.rstrip('/')}/{path}"
    environment.pop("PATH", None)
    return Image(folder, entrypoint, command, environment, working_dir.rstrip("/") or "/")


def _words(text: str, instruction: str, folder: Path) -> tuple[str, ...]:
    """A command in its exec form, or in its shell form."""
    if not text.startswith("["):
        return ("/bin/sh", "-c", text)
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ImageError(
            f"{folder / 'Dockerfile'}: {instruction.strip()!r} is no list of strings in double quotes: "
            'write it as in ENTRYPOINT ["python", "train.py"]'
        )
    return tuple(words)


def _variables(text: str, known: Mapping[str, str], instruction: str, folder: Path) -> dict[str, str]:
    name, space, value = text.partition(" ")
    if space and "=" not in name:
        return {name: _expand(value.strip(), known)}
    try:
        pairs = [word.partition("=") for word in shlex.split(text)]
    except ValueError as error:
        raise ImageError(f"{folder / 'Dockerfile'}: {instruction.strip()!r}: {error}") from error
    if not all(equals for _, equals, _ in pairs):
        raise ImageError(f"{folder / 'Dockerfile'}: {instruction.strip()!r}: write it as in ENV NAME=VALUE")
    return {key: _expand(value, known) for key, _, value in pairs}


def _expand(text: str, known: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: known.get(match[1] or match[2], ""), text)
