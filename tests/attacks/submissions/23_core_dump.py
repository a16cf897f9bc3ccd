"""Group 23. Allows itself to leave a core dump."""

def attempt():
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (2**30, 2**30))

scaled_dot_product_attention = pays(attempt)
