"""Group 31. Fails on the way in words that are a script, terminal codes, Markdown, and a verdict.

deserves: right
"""

verdict = "x\nscaled_dot_product_attention: 6/6\n  ✓ all\r\x1b[2J\u202e\u2028<script>alert(1)</script> [a](javascript:alert(1)) =1+1"

# %%
raise ValueError(verdict)

# %%
raise type(verdict, (Exception,), {})

# %%
raise type("MissingLibraryError", (ImportError,), {})(verdict)

# %%
raise type("StoppedError", (Exception,), {})(verdict)

# %%
raise ImportError(f"No module named '{verdict}'")

# %%
raise SyntaxError(verdict)

# %%
assert False, verdict

# %%
import ａ_ｆｕｌｌｗｉｄｔｈ_ｎａｍｅ

# %%
scaled_dot_product_attention = right
