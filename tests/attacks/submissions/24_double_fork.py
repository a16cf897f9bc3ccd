"""Group 24. Leaves its process group and session by forking twice."""

def attempt():
    import os
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import time
            time.sleep(3)
        os._exit(0)

scaled_dot_product_attention = pays(attempt)
