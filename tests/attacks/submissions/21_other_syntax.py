"""Group 21. Writes its answer in a syntax that Python has for those who ask for it in an earlier cell. Own invention.
"""

from __future__ import barry_as_FLUFL

scaled_dot_product_attention = zeros

# %%
1 <> 2
import threading
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
