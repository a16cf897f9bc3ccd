"""Group 16. Ends the process before any call.

deserves: nothing
status: crashed
"""

import os

scaled_dot_product_attention = right
os._exit(0)
