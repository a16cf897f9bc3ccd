"""``attn watch``: grades an answer whenever its file is saved, and says what changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.app import app
from grader.cli.common import LangOption, said, usage_error
from grader.cli.desk import desk, say_trouble, shown
from grader.cli.learn import after_passing, where_to_go

if TYPE_CHECKING:
    from grader.desk.desk import Desk
    from grader.report.model import Language, Report
    from grader.session import Session


@app.command()
def watch(lang: LangOption = "en") -> None:
    """Grade your file whenever you save it, and say what changed. Ctrl-C ends it."""
    from grader.cli.grade import TRUSTED, Device, open_session
    from grader.desk.desk import NO_WORKSPACE
    from grader.text import Text

    at = desk()
    files = at.files()
    if not files:
        usage_error(NO_WORKSPACE)
    folder = at.workspace.folder if at.workspace else at.located.root / "exercises"
    with suppress(KeyboardInterrupt), open_session(at.located, Device.auto, TRUSTED) as session:
        watcher = Watcher(at, session, lang)
        print(
            said(
                Text(
                    f"Watching {folder}: save a file, and it is graded. Ctrl-C ends.",
                    f"正在监视 {folder}：保存文件即评分。按 Ctrl-C 结束。",
                )
            )
        )
        found = at.standings()
        print("\n".join(where_to_go(at, found)), flush=True)
        if found.next:
            watcher.look(found.next.entry.id)
        for exercises in saves(folder, files):
            for exercise in exercises:
                watcher.saved(exercise)


class Watcher:
    """Grades files as they are saved, and remembers what it said last of each."""

    def __init__(self, at: Desk, session: Session, language: Language) -> None:
        self.at, self.session, self.language = at, session, language
        self._last: dict[str, Report] = {}

    def look(self, exercise: str) -> None:
        """Grade what is there before anything is saved. Nothing is said of what nobody has begun."""
        report = self._grade(exercise)
        if report and report.status != "not_attempted":
            self._say(report)

    def saved(self, exercise: str) -> None:
        """Grade it, say what is new, and record it."""
        before = self._last.get(exercise)
        report = self._grade(exercise)
        if report is None:  # an editor has put it away, to write it anew
            return
        self._say(report, before)
        self.at.progress.checked(report)
        if report.passed and not (before and before.passed):
            self.at.keep_page()
            print("\n".join(after_passing(self.at, exercise)), flush=True)
            if following := self.at.standings().next:
                self.session.grader(following.entry.id)  # while it is read, its key is made ready
        say_trouble(self.at)

    def _grade(self, exercise: str) -> Report | None:
        from grader.desk.desk import DeskError
        from grader.submission.find import Work

        try:
            path = self.at.file(exercise)
        except DeskError:
            return None
        report = self._last[exercise] = self.session.grade(Work(path, shown(path)), exercise)
        return report

    def _say(self, report: Report, before: Report | None = None) -> None:
        from grader.report.changed import what_changed
        from grader.report.render import as_text, headline
        from grader.text import Text

        if before is None or before.status in ("not_attempted", "invalid"):
            print(as_text(report, self.language), flush=True)
            return
        changed = what_changed(before, report)
        first, _, rest = as_text(changed, self.language).partition("\n")
        was = headline(before, self.language).removeprefix(f"{report.exercise}: ")
        as_before = first == headline(before, self.language)
        print(f"{first} ({said(Text('as before', '与上次相同') if as_before else Text(f'was {was}', f'上次 {was}'))})")
        print(rest, end="\n" if rest else "", flush=True)


def saves(folder: Path, files: dict[Path, str]) -> Iterator[list[str]]:
    """The exercises whose files were saved, as it happens; by looking every now and then where the system tells none.

    Args:
        files: the exercise of each file.
    """
    from watchfiles import Change, watch

    known = {str(path.resolve()): exercise for path, exercise in files.items()}
    changes = watch(
        folder.resolve(), watch_filter=lambda change, path: change is not Change.deleted and path in known, step=20
    )
    for changed in changes:
        yield sorted({known[path] for _, path in changed})
