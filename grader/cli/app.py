"""The ``attn`` command: one module a subcommand. Nothing here imports torch before a command needs it."""

from __future__ import annotations

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Attention Workshop: grade solutions to attention exercises, and name the mistake.",
)
