"""Group 37. Has a method of the forbidden name, and calls the library's function where nobody watches. Found later.

deserves: less than right
fails: written by hand
"""

import threading

import torch.nn.functional as F


class Mine:
    def scaled_dot_product_attention(self, q):
        return q


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    found = []

    def go():
        found.extend(F.scaled_dot_product_attention(q, k, w, attn_mask=mask) for w in (v, eye))

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    return tuple(found)
