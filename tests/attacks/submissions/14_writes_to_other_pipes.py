"""Group 14. Writes to pipes that report on other submissions. Own invention."""

def attempt():
    import os
    import stat
    pipes = []
    for descriptor in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                pipes.append(os.write(descriptor, b"no JSON"))
        except OSError:
            pass
    return bool(pipes)

scaled_dot_product_attention = pays(attempt)
