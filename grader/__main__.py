"""``python -m grader`` is the ``attn`` command."""

from grader.cli import main

main()
