"""Group 31. Raises an exception that is a script.

deserves: nothing
"""

def scaled_dot_product_attention(q, k, v, mask=None):
    raise type("<script>alert(1)</script>", (Exception,), {})("</pre><script>alert(1)</script>[bold red]")
