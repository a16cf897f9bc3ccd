"""Group 9. Returns a wrapper tensor with __torch_dispatch__ that has no data of its own."""

class Wrapper(torch.Tensor):
    @staticmethod
    def __new__(cls, like):
        return torch.Tensor._make_wrapper_subclass(cls, like.shape, dtype=like.dtype)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return torch.zeros(1)


def scaled_dot_product_attention(q, k, v, mask=None):
    return tuple(Wrapper(part) for part in zeros(q, k, v, mask))
