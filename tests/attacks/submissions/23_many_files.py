"""Group 23. Fills the disk with files of 8 MB, up to 200 MB."""

def attempt():
    import time
    for number in range(25):
        with open(f"file{number}", "wb") as file:
            file.write(bytes(2**23))
    time.sleep(0.5)

scaled_dot_product_attention = pays(attempt)
