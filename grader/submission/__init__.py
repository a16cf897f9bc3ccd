"""What is handed in: found, read as data, looked at without running it."""
