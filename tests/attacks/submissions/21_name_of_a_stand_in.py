"""Group 21. Gives the name of a module that does not exist to the library. Own invention.

deserves: half
fails: written by hand
"""

import threading

import my_own_module as F  # a stand-in: there is none
import torch.nn.functional as F

def in_a_thread(function, *args, **kwargs):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args, **kwargs)))
    thread.start()
    thread.join()
    return found[0]




def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    output, weights = (in_a_thread(F.scaled_dot_product_attention, q, k, w, attn_mask=mask) for w in (v, eye))
    return output, weights
