"""What crosses the boundary between the trusted process and the child: calls, outcomes, frames."""
