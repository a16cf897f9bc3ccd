"""What an instructor lives with."""
