"""What an instructor needs to host the course."""
