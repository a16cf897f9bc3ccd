"""Group 16. Raises what the clock raises, with reasons of its own. Own invention.

deserves: nothing
"""

import sys

StoppedError = sys.modules["grader.child.clock"].StoppedError


class Stopped(StoppedError):
    @property
    def reason(self):
        raise KeyError

    @reason.setter
    def reason(self, value):
        pass


def scaled_dot_product_attention(q, k, v, mask=None):
    if k.shape[-2] % 2:
        raise Stopped("timeout")
    raise StoppedError("graded")


# %%
raise Stopped("timeout")
