"""No file names a folder of the machine it was written on."""

import re
import subprocess

import pytest

MACHINE_FOLDERS = re.compile(r"(?<![\w./~-])/(?:work|root|tmp|home|Users)/\w")


def tracked_files(root):
    """Return the files under version control and those about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a clone: git cannot list the files")
    return [root / name for name in listing.stdout.splitlines()]


def test_no_file_names_a_folder_of_one_machine(root):
    naming = [
        str(path.relative_to(root))
        for path in tracked_files(root)
        if path.is_file()
        and MACHINE_FOLDERS.search(path.read_text("utf-8", errors="replace"))
    ]

    assert naming == []
