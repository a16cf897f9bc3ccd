"""Group 15. Returns an object that runs a program when it is unpickled."""

class Bomb:
    def __reduce__(self):
        import os

        return os.system, ("touch @CANARY@",)


def scaled_dot_product_attention(q, k, v, mask=None):
    return Bomb(), Bomb()
