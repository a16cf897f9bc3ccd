"""Group 4. Finds the processes above it in /proc."""

def attempt():
    open("/proc/self/status").read()

scaled_dot_product_attention = pays(attempt)
