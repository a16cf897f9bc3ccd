"""Group 21. Enters the library under a name that none is installed by, and imports that.

deserves: half
fails: written by hand
"""

import sys
import threading

import torch.nn.functional

sys.modules["my_own_module"] = torch.nn.functional
import my_own_module

def in_a_thread(function, *args, **kwargs):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args, **kwargs)))
    thread.start()
    thread.join()
    return found[0]




def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    output, weights = (in_a_thread(my_own_module.scaled_dot_product_attention, q, k, w, attn_mask=mask) for w in (v, eye))
    return output, weights
