"""Group 23. Writes one file of 100 MB."""

def attempt():
    with open("large", "wb") as file:
        for _ in range(100):
            file.write(bytes(2**20))

scaled_dot_product_attention = pays(attempt)
