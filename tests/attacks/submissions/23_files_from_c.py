"""Group 23. Saves hundreds of megabytes from C++, where no audit hook looks, and through files opened before. Own invention."""


def attempt():
    import time

    opened = [open(f"opened{number}", "wb", buffering=0) for number in range(40)]
    for number, file in enumerate(opened):
        torch.save(torch.zeros(7 * 2**18), f"saved{number}.pt")
        file.write(bytes(14 * 2**20))
    time.sleep(1.0)


scaled_dot_product_attention = pays(attempt)
