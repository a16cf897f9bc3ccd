"""Group 25. Sends its parent a signal."""

def attempt():
    import os
    import signal
    os.kill(os.getppid(), signal.SIGCONT)

scaled_dot_product_attention = pays(attempt)
