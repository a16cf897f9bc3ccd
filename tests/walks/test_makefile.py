"""What `make` would do for a newcomer: nothing is installed here."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from helpers import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def recipe(target: str, *settings: str) -> str:
    command = ["make", "--dry-run", target, "VENV=nowhere", *settings]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_each_target_installs_what_it_needs_and_no_more() -> None:
    for target, extras in (("demo", "."), ("lab", ".[lab]"), ("install", ".[lint,test]")):
        assert f"-m pip install -c constraints.txt -e '{extras}'" in recipe(target, "UV="), target


def test_uv_leaves_cuda_out_and_pip_stands_in_for_it() -> None:
    (line,) = (line for line in recipe("demo", "UV=uv").splitlines() if "torch-backend" in line)
    first, _, second = line.partition(" || ")
    assert first == "uv pip install --python nowhere/bin/python --torch-backend=auto -c constraints.txt -e '.'"
    assert "pip install" in second
    assert "install uv" in recipe("demo", "UV=")


def test_the_lab_opens_a_workspace_without_the_buttons_of_nbgrader() -> None:
    config = pytest.importorskip("jupyterlab_server.config")
    said = recipe("lab")
    assert "--LabApp.default_url=/lab/tree/00_start.ipynb" in said
    assert f"--LabApp.app_settings_dir={ROOT}/tools/lab" in said
    assert "@jupyter/nbgrader" in config.get_page_config([], str(ROOT / "tools/lab"))["disabledExtensions"]
    json.loads((ROOT / "tools/lab/overrides.json").read_text(encoding="utf-8"))


def test_whoever_is_root_may_open_it() -> None:
    """As in a container; anybody else is not told to."""
    said = recipe("lab")
    root = subprocess.run(["id", "-u"], capture_output=True, text=True, check=True).stdout.strip() == "0"
    assert ("--allow-root" in said) == root
