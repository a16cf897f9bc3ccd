"""Group 14. Opens descriptors of its parent."""

def attempt():
    import os
    for descriptor in range(3, 32):
        try:
            os.close(os.open(f"/proc/{os.getppid()}/fd/{descriptor}", os.O_WRONLY))
            return True
        except OSError:
            pass
    return False

scaled_dot_product_attention = pays(attempt)
