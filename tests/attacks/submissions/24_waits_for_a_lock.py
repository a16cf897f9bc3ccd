"""Group 24. Waits for a lock that a thread holds, which computes just enough to look busy.

deserves: nothing
status: timeout
"""

import threading
import time

lock = threading.Lock()
lock.acquire()


def looks_busy():
    while True:
        end = time.process_time() + 0.005
        while time.process_time() < end:
            pass
        time.sleep(0.1)


threading.Thread(target=looks_busy, daemon=True).start()


def scaled_dot_product_attention(q, k, v, mask=None):
    lock.acquire()
