"""Runs submissions: a warm parent forks a locked-in child for each, and the trusted side talks to it over a socket."""
