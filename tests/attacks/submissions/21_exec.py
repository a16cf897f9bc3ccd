"""Group 21. Has the whole answer in a string.

deserves: half
fails: written by hand
"""

import base64

code = "ZnJvbSB0b3JjaC5ubi5mdW5jdGlvbmFsIGltcG9ydCBzY2FsZWRfZG90X3Byb2R1Y3RfYXR0ZW50aW9uIGFzIGYK"
exec(base64.b64decode(code))


def attention(q, k, v, mask):
    return f(q, k, v, attn_mask=mask)


def scaled_dot_product_attention(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return attention(q, k, v, mask), attention(q, k, eye, mask)
