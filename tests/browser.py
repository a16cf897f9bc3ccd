"""A real browser for tests: Debian's Chromium, driven with Playwright; and a Jupyter server for it to look at."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


BROWSER_MILLISECONDS = 300_000
"""For a page to be there, also on a busy machine."""


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A Playwright browser; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright's Python client is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), timeout=BROWSER_MILLISECONDS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def jupyter_server(folder: Path, *arguments: str) -> Iterator[str]:
    """The address of a Jupyter server in a folder, without a token, on a free port of the loopback address."""
    with tempfile.TemporaryDirectory(prefix="attn-jupyter-") as home:
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
        command += ["--ServerApp.port=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", *arguments]
        environment = {**os.environ, "HOME": home, "JUPYTER_CONFIG_DIR": home, "JUPYTER_RUNTIME_DIR": home}
        log = Path(home) / "log"
        with log.open("w") as output:
            running = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
            try:
                yield _address(running, log)
            finally:
                running.terminate()
                running.wait()


def _address(running: subprocess.Popen[bytes], log: Path) -> str:
    while running.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=0.1)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))
