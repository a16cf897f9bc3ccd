"""Group 30. Turns every global switch."""

import locale
import os
import sys
import warnings

torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.use_deterministic_algorithms(True)
torch.set_float32_matmul_precision("medium")
torch.set_grad_enabled(False)
torch.set_num_threads(8)
torch.autograd.set_detect_anomaly(True)
warnings.simplefilter("error")
sys.setrecursionlimit(100)
sys.setswitchinterval(100)
locale.setlocale(locale.LC_ALL, "C")
os.environ.clear()
os.umask(0o777)

scaled_dot_product_attention = zeros
