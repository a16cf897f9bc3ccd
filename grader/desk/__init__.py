"""What a learner lives with."""
