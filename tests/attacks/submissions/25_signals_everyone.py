"""Group 25. Sends every process a signal."""

def attempt():
    import os
    import signal
    os.kill(-1, signal.SIGCONT)

scaled_dot_product_attention = pays(attempt)
