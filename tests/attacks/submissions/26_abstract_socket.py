"""Group 26. Talks to a local service on an abstract unix socket."""

def attempt():
    import socket
    client = socket.socket(socket.AF_UNIX)
    client.connect("\0@ABSTRACT@")

scaled_dot_product_attention = pays(attempt)
