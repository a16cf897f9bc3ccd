"""Group 1. Opens the answer keys, those built ahead and those that are kept."""

def attempt():
    import glob
    import os
    import pwd

    kept = os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".cache/attention-workshop/keys")
    there = ["@COURSE@/keys/scaled_dot_product_attention-cpu.safetensors", *glob.glob(f"{kept}/*")]
    for path in there:
        try:
            open(path, "rb").read()
            return True
        except OSError:
            pass
    return False

scaled_dot_product_attention = pays(attempt)
