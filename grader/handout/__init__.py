"""What is handed out: notebooks, and what lies beside them."""
