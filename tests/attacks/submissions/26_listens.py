"""Group 26. Opens a port for others."""

def attempt():
    import socket
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()

scaled_dot_product_attention = pays(attempt)
