"""Group 16. Ends the process in one cell after the other, each time in another way.

status: crashed
"""

import os
import signal

scaled_dot_product_attention = zeros

# %%
os._exit(0)

# %%
os.kill(os.getpid(), signal.SIGKILL)

# %%
import ctypes

ctypes.string_at(0)

# %%
os.kill(os.getpid(), signal.SIGPROF)
os.abort()

# %%
scaled_dot_product_attention = right
