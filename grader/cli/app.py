"""The ``attn`` command: one module a subcommand. Nothing here imports torch before a command needs it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from grader.cli.common import LangOption
from grader.desk.language import spoken

ORDER = (
    "start",
    "list",
    "next",
    "check",
    "hint",
    "discuss",
    "solution",
    "reset",
    "progress",
    "watch",
    "interview",
    "review",
)
"""The learner's commands, which come first in the help."""


class Commands(TyperGroup):
    """The group of all commands; their help is in the language that is asked for, wherever ``--lang`` stands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The learner's in their order, then the others by name."""
        others = sorted(name for name in self.commands if name not in ORDER)
        return [name for name in ORDER if name in self.commands] + others

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each with the first paragraph of its help, which is never cut off."""
        found = [(name, self.commands[name].help or "") for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, " ".join(text.partition("\n\n")[0].split())) for name, text in found])

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Help is printed while arguments are read, so the language is looked for before."""
        asked = [value for option, value in pairwise(args) if option == "--lang"]
        asked += [option.removeprefix("--lang=") for option in args if option.startswith("--lang=")]
        if spoken(asked[0] if asked else None) == "zh":
            from grader.cli.chinese import put_on

            put_on(self)
        return super().make_context(info_name, args, parent, **extra)


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Attention Workshop: exercises on attention, and a grader that names the mistake. "
    "Alone, `attn` says where you are and what is next.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from grader.version import own_version

        print(f"attn {own_version()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _where(
    context: typer.Context,
    lang: LangOption = "en",
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version, and end.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        from grader.cli.learn import show_where

        show_where(lang)
