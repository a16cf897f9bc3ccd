"""Group 26. Connects to a port of this machine."""

def attempt():
    import socket
    socket.create_connection(("127.0.0.1", @PORT@), timeout=1).close()

scaled_dot_product_attention = pays(attempt)
