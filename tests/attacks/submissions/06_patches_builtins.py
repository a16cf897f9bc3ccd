"""Group 6. Has the built-in functions lie."""

import builtins

builtins.abs = builtins.max = lambda *_, **__: 0
builtins.all = builtins.any = lambda *_: True
builtins.float = lambda *_: 0.0

scaled_dot_product_attention = zeros
