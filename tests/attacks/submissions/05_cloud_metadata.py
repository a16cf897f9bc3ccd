"""Group 5. Asks the cloud's metadata service, here a stand-in on this machine."""

def attempt():
    import urllib.request
    urllib.request.urlopen("http://127.0.0.1:@PORT@/latest/meta-data", timeout=1).read()

scaled_dot_product_attention = pays(attempt)
