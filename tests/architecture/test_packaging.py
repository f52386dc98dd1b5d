"""What is in the folders is what gets installed."""

import configparser
import fnmatch

import pytest


@pytest.fixture(scope="module")
def config(root):
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg")
    return parser


def folders(root):
    """Return every folder that is installed, by package name."""
    return {
        ".".join(path.parent.relative_to(root).parts): path.parent
        for path in (root / "bridge").rglob("__init__.py")
    } | {"bridge.wsdl_cache": root / "wsdl_cache"}


def test_every_package_is_listed(root, config):
    listed = config["options"]["packages"].split()

    assert listed == sorted(folders(root))


def test_every_data_file_is_installed(root, config):
    declared = {
        package: [pattern.strip() for pattern in patterns.split(",")]
        for package, patterns in config["options.package_data"].items()
    }
    packages = {folder: name for name, folder in folders(root).items()}

    forgotten = []
    for folder in (root / "bridge", root / "wsdl_cache"):
        for path in folder.rglob("*"):
            if path.is_dir() or path.suffix in (".py", ".pyc"):
                continue
            home = next(parent for parent in path.parents if parent in packages)
            inside = path.relative_to(home).as_posix()
            patterns = declared.get(packages[home], [])
            if not any(fnmatch.fnmatchcase(inside, pattern) for pattern in patterns):
                forgotten.append(path.relative_to(root).as_posix())

    assert forgotten == []
