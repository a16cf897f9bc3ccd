"""Group 27. Leaves a compile cache behind for the next one."""

def attempt():
    import os
    os.makedirs("/tmp/attn-attack-torchinductor", exist_ok=True)
    os.rmdir("/tmp/attn-attack-torchinductor")

scaled_dot_product_attention = pays(attempt)
