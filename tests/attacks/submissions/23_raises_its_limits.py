"""Group 23. Raises its own limits again."""

def attempt():
    import resource
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**33, 2**33))

scaled_dot_product_attention = pays(attempt)
