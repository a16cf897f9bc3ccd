"""Judging: how far an answer is from the right one, what that earns, and which mistake it shows."""
