"""All settings are in pyproject.toml, but for what cannot be said there: the wheel holds the course, with solutions.

Who installs the workshop practises alone, and has no secrets from themselves. A class gets what is handed out.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
COURSE = ("course.yml", "solutions", "exercises")
SKIPPED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")


class WithCourse(build_py):
    """Puts the course where ``grader.course.course.find_course`` looks for it: inside the package."""

    def run(self):
        """Copy it, unless the package is installed for editing: then it lies beside."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "grader", "_course")
        shutil.rmtree(target, ignore_errors=True)  # of an earlier build, with exercises that may be gone
        target.mkdir(parents=True)
        for part in COURSE:
            if (HERE / part).is_dir():
                shutil.copytree(HERE / part, target / part, ignore=SKIPPED)
            else:
                shutil.copy(HERE / part, target)


setup(cmdclass={"build_py": WithCourse})
