"""How the project is laid out, where a mistake would not show elsewhere."""

import operator
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "operator" / "hyperdrive_operator"


def test_the_source_root_does_not_shadow_the_standard_librarys_operator() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert Path(operator.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_kopf_is_imported_in_one_file() -> None:
    importers = [
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if any(line.split()[:2] in (["import", "kopf"], ["from", "kopf"]) for line in path.read_text().splitlines())
    ]
    assert importers == ["runtime/watch.py"]


def test_the_environment_is_read_in_the_runtime_alone() -> None:
    readers = {path.relative_to(SOURCES).parts[0] for path in SOURCES.rglob("*.py") if "os.environ" in path.read_text()}
    assert readers == {"runtime"}
