"""``python -m grader`` is the ``attn`` command."""

from grader.cli.main import main

main()
