"""Group 27. Writes modules with magics, into its folder and out of it, and imports them."""

# %%
%%writefile torch.py
open("@CANARY@", "w")

# %%
%%writefile sitecustomize.py
open("@CANARY@", "w")

# %%
%%writefile ../usercustomize.py
open("@CANARY@", "w")

# %%
%%writefile @SUBMISSIONS@/torch.py
open("@CANARY@", "w")

# %%
%%writefile -a @SIBLING@
scaled_dot_product_attention = None

# %%
%%writefile @COURSE@/solutions/shared.py

# %%
%run @COURSE@/solutions/shared.py
%load @COURSE@/solutions/shared.py
!touch @CANARY@
found = !cat @GRADEBOOK@

# %%
import torch
import sitecustomize
import usercustomize

# %%
scaled_dot_product_attention = pays(lambda: bool(found))
