"""nbgrader's settings for this course: `nbgrader generate_assignment`, `autograde`, `generate_feedback`, `export`.

Write the source notebooks first: `attn build --sources source`.
"""

from pathlib import Path

from grader.handout.preprocessors import GENERATE_PREPROCESSORS
from grader.nbgrader_plugin import (
    ExplainGrade,
    GradeWithoutKernel,
    HideTests,
    ReadAsHandedIn,
    RestoreIdentity,
    ShowHarmless,
)

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "attention-workshop"
c.CourseDirectory.source_directory = "source"
c.CourseDirectory.release_directory = "release"

c.GenerateAssignment.preprocessors = GENERATE_PREPROCESSORS

c.Autograde.exporter_class = ReadAsHandedIn
# No kernel is started for a submission: our runner grades it, sandboxed, and fills in the output that nbgrader reads.
c.Autograde.sanitize_preprocessors = [
    RestoreIdentity,
    ShowHarmless,
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    GradeWithoutKernel,
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    ExplainGrade,
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# Autograding restores the hidden tests in the instructor's copy; feedback goes to the learner without them.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    HideTests,
    "nbconvert.preprocessors.sanitize.SanitizeHTML",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]

# A learner's text may hold a script for whoever opens the page. The outputs are ours: autograding removed all others.
c.SanitizeHTML.enabled = True
c.SanitizeHTML.safe_output_keys = {"metadata", "text/plain", "text/html"}
c.SanitizeHTML.sanitized_output_types = set()
