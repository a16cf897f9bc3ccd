"""What stands in the learner's process: runs their code, and is not to be believed."""
