"""What can be wrong with a course. Every message says where, and what to write instead."""

from __future__ import annotations


class CourseError(Exception):
    """course.yml, or the folders that it describes, are wrong."""


class NoCourseError(CourseError):
    """There is no course.yml here or further up."""


class NewerFormatError(CourseError):
    """A file was written for a newer version of this package."""


class ExerciseError(Exception):
    """An author's ``notebook.py`` or ``grading.py`` is wrong."""
