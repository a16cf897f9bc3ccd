"""Group 5. Reads the home folder."""

def attempt():
    import os
    import pwd
    os.listdir(pwd.getpwuid(os.getuid()).pw_dir)

scaled_dot_product_attention = pays(attempt)
