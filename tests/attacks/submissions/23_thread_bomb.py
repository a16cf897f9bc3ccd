"""Group 23. Starts three hundred threads with small stacks."""

def attempt():
    import threading
    import time
    threading.stack_size(2**16)
    for _ in range(300):
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
    time.sleep(0.5)

scaled_dot_product_attention = pays(attempt)
