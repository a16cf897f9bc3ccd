"""Mutation testing of the grading: wrong variants of the references that nobody chose, and how many of them are found.

``syntax.py`` and ``conduct.py`` are one generator, ``second.py`` another of a different design. ``unseen.py`` makes
inputs that are in no case, ``probes.py`` asks about them, ``score.py`` grades mutants and tells what is equivalent.
"""
