"""Group 5. Looks for secrets in the environment."""

def attempt():
    import os
    return any("TOKEN" in name or "KEY" in name or "SECRET" in name for name in os.environ)

scaled_dot_product_attention = pays(attempt)
