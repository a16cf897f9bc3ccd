"""Group 37. Binds the library in statements that seem to bind nothing: in blocks, functions, loops. Found later.

deserves: less than right
fails: written by hand
"""

import threading

try:
    import torch.nn.functional as library
except ImportError:
    library = None


def load():
    global functions
    for functions in (library,):
        pass


class Answer:
    pass


load()
setattr(Answer, "go", staticmethod(functions.scaled_dot_product_attention))


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    found = []
    go = lambda: found.extend(Answer.go(q, k, w, attn_mask=mask) for w in (v, eye))
    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    return tuple(found)
