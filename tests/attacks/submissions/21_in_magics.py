"""Group 21. Calls the library in magics within magics.

deserves: half
fails: written by hand
"""

# %%
%%time
%%capture
%time attention_of = torch.nn.functional.scaled_dot_product_attention

# %%
import threading

def in_a_thread(function, *args, **kwargs):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args, **kwargs)))
    thread.start()
    thread.join()
    return found[0]




def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    output, weights = (in_a_thread(attention_of, q, k, w, attn_mask=mask) for w in (v, eye))
    return output, weights
