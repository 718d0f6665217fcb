"""Where a container's paths are on this machine, which has no mount namespaces for us.

A container gets a view of its image: a folder of its own with one symbolic link for each entry of the image's folder.
It is the working directory, and what WORKDIR names. So new files are the container's alone and go with it, as in a
real container; files of the image are shared, and nothing protects them.

Volumes and the termination log are folders and files of this machine too. Since nothing can be mounted, their paths
are translated where they are written: in command, args, workingDir and the values of environment variables, as whole
path prefixes (`--out=/data/model` becomes `--out=FOLDER/model`). A program that has such a path in its own code finds
nothing there. Mounts below WORKDIR appear in the view as well, so relative paths to them work everywhere.
"""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

BEFORE = r"(?<![^\s=:,;'\"(\[{<>|&])"
AFTER = r"(?=$|[/\s=:,;'\")\]}<>|&])"


@dataclass(slots=True)
class PathMap:
    """Container paths and what they are here."""

    places: dict[str, Path] = field(default_factory=dict)

    def add(self, container_path: str, place: Path) -> None:
        """Let a path of the container mean a place of this machine. `/` itself can't be meant."""
        if normal := container_path.rstrip("/"):
            self.places[normal] = place

    def translate(self, text: str) -> str:
        """A text with every known path in it replaced; of two that fit, the longer one counts."""
        if not self.places or "/" not in text:
            return text
        known = sorted(self.places, key=len, reverse=True)
        pattern = BEFORE + "(" + "|".join(map(re.escape, known)) + ")" + AFTER
        return re.sub(pattern, lambda match: str(self.places[match[1]]), text)

    def find(self, container_path: str) -> Path | None:
        """The place of a path, or of something below a known one."""
        path = PurePosixPath(container_path)
        for ancestor in (path, *path.parents):
            if place := self.places.get(str(ancestor)):
                return place / path.relative_to(ancestor)
        return None


def make_view(view: Path, image: Path | None) -> None:
    """A fresh folder that shows an image's content."""
    shutil.rmtree(view, ignore_errors=True)
    view.mkdir(parents=True)
    for entry in image.iterdir() if image else ():
        (view / entry.name).symlink_to(entry)


def show_in_view(view: Path, working_dir: str, mount_path: str, place: Path) -> None:
    """Let a mount below the working directory appear there, unless a folder of the image is in the way."""
    mount = PurePosixPath(mount_path)
    if not mount.is_relative_to(working_dir) or str(mount) == working_dir:
        return
    target = view / mount.relative_to(working_dir)
    if any(parent.is_symlink() for parent in target.parents if parent.is_relative_to(view)):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    target.symlink_to(place)
