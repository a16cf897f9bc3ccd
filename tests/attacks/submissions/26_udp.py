"""Group 26. Sends a datagram."""

def attempt():
    import socket
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", @PORT@))

scaled_dot_product_attention = pays(attempt)
