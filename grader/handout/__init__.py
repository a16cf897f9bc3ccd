"""What is handed out: notebooks, and the public files beside them."""
