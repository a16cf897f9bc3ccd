"""Saying it: the data model of a report, its renderers, pictures."""
