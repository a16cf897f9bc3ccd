"""Group 23. Makes two thousand empty files and folders."""

def attempt():
    import os
    import time
    for number in range(1000):
        open(f"file{number}", "w").close()
    time.sleep(0.5)
    for number in range(1000):
        os.mkdir(f"folder{number}")

scaled_dot_product_attention = pays(attempt)
