"""Group 23. Forks, and forks again (twenty times at most)."""

def attempt():
    import os
    import time
    for _ in range(20):
        if os.fork() == 0:
            time.sleep(1)
            os._exit(0)

scaled_dot_product_attention = pays(attempt)
