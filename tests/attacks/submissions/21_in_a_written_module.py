"""Group 21. Has a module written by a magic call the library.

deserves: half
fails: written by hand
"""

# %%
%%writefile my_helper.py
import torch.nn.functional


def go(*args, **kwargs):
    return torch.nn.functional.scaled_dot_product_attention(*args, **kwargs)

# %%
import threading

import my_helper

def in_a_thread(function, *args, **kwargs):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args, **kwargs)))
    thread.start()
    thread.join()
    return found[0]




def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    output, weights = (in_a_thread(my_helper.go, q, k, w, attn_mask=mask) for w in (v, eye))
    return output, weights
