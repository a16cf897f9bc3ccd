"""Group 22. Leaves a process behind that writes when the submission is over."""

def attempt():
    import os
    import time
    if os.fork() == 0:
        os.setsid()
        time.sleep(2)
        open("@CANARY@", "w").close()
        os._exit(0)

scaled_dot_product_attention = pays(attempt)
