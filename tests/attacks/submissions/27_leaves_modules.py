"""Group 27. Leaves modules behind that the next Python imports."""

def attempt():
    import os
    import site
    folders = ["@SUBMISSIONS@", "@COURSE@", "/tmp", *site.getsitepackages()]
    for folder in folders:
        for name in ("attn_attack.pth", "attn_attack_sitecustomize.py"):
            try:
                open(os.path.join(folder, name), "w").close()
                os.unlink(os.path.join(folder, name))
                return True
            except OSError:
                pass
    return False

scaled_dot_product_attention = pays(attempt)
