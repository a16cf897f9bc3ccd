"""Group 25. Slows its parent down."""

def attempt():
    import os
    os.setpriority(os.PRIO_PROCESS, os.getppid(), os.getpriority(os.PRIO_PROCESS, os.getppid()))

scaled_dot_product_attention = pays(attempt)
