"""Images that are folders, and the places of a container's paths."""

from pathlib import Path

import pytest

from hyperdrive_local.node.image import ImageError, ImageTable, parse_dockerfile
from hyperdrive_local.node.paths import PathMap, make_view, show_in_view

HERE = Path("/src/train")


@pytest.mark.parametrize(
    ("text", "entrypoint", "command"),
    [
        pytest.param('ENTRYPOINT ["python", "train.py"]', ("python", "train.py"), (), id="exec form"),
        pytest.param("CMD python train.py", (), ("/bin/sh", "-c", "python train.py"), id="shell form"),
        pytest.param('CMD ["a"]\nENTRYPOINT ["b"]', ("b",), (), id="an entrypoint resets the command"),
        pytest.param('ENTRYPOINT ["b"]\nCMD ["a"]', ("b",), ("a",), id="command after entrypoint"),
        pytest.param('ENTRYPOINT ["a", \\\n  # why\n  "b"]', ("a", "b"), (), id="continued, with a comment inside"),
        pytest.param('FROM x\nENTRYPOINT ["a"]\nFROM y\nCMD ["b"]', (), ("b",), id="the last stage counts"),
        pytest.param('entrypoint ["a"]', ("a",), (), id="lower case"),
    ],
)
def test_commands_are_read(text: str, entrypoint: tuple[str, ...], command: tuple[str, ...]) -> None:
    image = parse_dockerfile(text, HERE)
    assert (image.entrypoint, image.command) == (entrypoint, command)


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("ENV A=1 B=2", {"A": "1", "B": "2"}),
        ('ENV A="x y"', {"A": "x y"}),
        ("ENV A some words", {"A": "some words"}),
        ("ENV A=1\nENV B=${A}2", {"A": "1", "B": "12"}),
        ("ENV PATH=/opt/bin:$PATH A=1", {"A": "1"}),
    ],
)
def test_variables_are_read(text: str, environment: dict[str, str]) -> None:
    assert parse_dockerfile(text, HERE).environment == environment


@pytest.mark.parametrize(
    ("text", "folder"),
    [("", "/"), ("WORKDIR /app", "/app"), ("WORKDIR /app\nWORKDIR src", "/app/src"), ("WORKDIR /app/", "/app")],
)
def test_the_working_directory_is_read(text: str, folder: str) -> None:
    assert parse_dockerfile(text, HERE).working_dir == folder


@pytest.mark.parametrize("text", ["ENTRYPOINT ['python']", "CMD [1]", 'ENV A="x', "ENV A=1 B"])
def test_what_cannot_be_read_is_told_with_the_line(text: str) -> None:
    with pytest.raises(ImageError, match="Dockerfile") as caught:
        parse_dockerfile(f"FROM x\n{text}", HERE)
    assert text in str(caught.value) or repr(text) in str(caught.value)


@pytest.mark.parametrize("given", ["train", "train:latest", "docker.io/train", "docker.io/library/train:latest"])
def test_an_image_is_found_by_every_spelling_of_its_name(tmp_path: Path, given: str) -> None:
    table = ImageTable({"train": tmp_path})
    assert table.find(given) is not None
    assert table.find("train:1") is None


def test_a_bare_python_needs_no_folder() -> None:
    table = ImageTable({})
    assert table.find("python:3.12-slim") is not None
    assert table.find("docker.io/library/python:3.12") is not None
    assert table.find("acme/python:3.12") is None
    assert table.find("pythonista:1") is None


def test_a_folder_without_a_dockerfile_is_an_image(tmp_path: Path) -> None:
    image = ImageTable({"a:1": tmp_path}).find("a:1")
    assert image is not None
    assert (image.folder, image.entrypoint) == (tmp_path, ())


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("/data", "/X"),
        ("/data/model.bin", "/X/model.bin"),
        ("--out=/data/model", "--out=/X/model"),
        ("/data:/data/sub", "/X:/Y"),
        ("cp a.txt /data/ && ls '/data'", "cp a.txt /X/ && ls '/X'"),
        ("/database", "/database"),
        ("/mnt/data", "/mnt/data"),
        ("s3://bucket/data", "s3://bucket/data"),
        ("/data/sub/x", "/Y/x"),
        ("echo > /data/log; cat</data/log", "echo > /X/log; cat</X/log"),
    ],
)
def test_known_paths_are_translated_as_whole_prefixes(text: str, result: str) -> None:
    paths = PathMap({"/data": Path("/X"), "/data/sub": Path("/Y")})
    assert paths.translate(text) == result


def test_the_root_is_never_translated() -> None:
    paths = PathMap()
    paths.add("/", Path("/X"))
    assert paths.translate("/ /a") == "/ /a"


def test_a_view_shows_the_image_and_keeps_new_files_out_of_it(tmp_path: Path) -> None:
    image, view, volume = tmp_path / "image", tmp_path / "view", tmp_path / "volume"
    for folder in (image / "src", volume):
        folder.mkdir(parents=True)
    (image / "train.py").write_text("x")
    make_view(view, image)
    show_in_view(view, "/app", "/app/out", volume)
    show_in_view(view, "/app", "/app/src/deep", volume)
    show_in_view(view, "/app", "/elsewhere", volume)
    assert (view / "train.py").read_text() == "x"
    (view / "out" / "model").write_text("m")
    (view / "new").write_text("n")
    assert sorted(path.name for path in image.rglob("*")) == ["src", "train.py"]
    assert [path.name for path in volume.iterdir()] == ["model"]
