"""Group 22. Leaves a thread behind, and something to do at exit."""

import atexit
import threading
import time


def later():
    time.sleep(0.5)
    open("@CANARY@", "w").close()


threading.Thread(target=later, daemon=False).start()
atexit.register(lambda: open("@CANARY@", "w").close())

scaled_dot_product_attention = zeros
