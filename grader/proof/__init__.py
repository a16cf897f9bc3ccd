"""Proving the course sound."""
