"""Group 35. Fills the disk with files that have no name any more: create, write, unlink, hold open. Found later."""


def attempt():
    import os

    held, block = [], bytes(2**20)
    for number in range(400):
        name = f"file{number}"
        descriptor = os.open(name, os.O_CREAT | os.O_WRONLY)
        os.unlink(name)
        held.append(descriptor)
        os.write(descriptor, block)
    return len(held) == 400


scaled_dot_product_attention = pays(attempt)
