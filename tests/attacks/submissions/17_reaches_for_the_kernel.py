"""Group 17. Looks for a notebook kernel to put hooks into."""

def attempt():
    get_ipython().events.register("pre_run_cell", print)

scaled_dot_product_attention = pays(attempt)
