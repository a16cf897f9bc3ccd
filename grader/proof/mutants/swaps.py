"""What the syntactic generator puts in place of a name, an operator or a constant."""

from __future__ import annotations

import ast

OPERATORS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("/", "+"),
    ast.Div: ("*", "//"),
    ast.FloorDiv: ("/", "%"),
    ast.Mod: ("//",),
    ast.Pow: ("*",),
    ast.MatMult: ("*",),
    ast.BitAnd: ("|", "^"),
    ast.BitOr: ("&",),
    ast.Lt: ("<=", ">"),
    ast.LtE: ("<", ">="),
    ast.Gt: (">=", "<"),
    ast.GtE: (">", "<="),
    ast.Eq: ("!=", ">="),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}

_GROUPS = """
max min | amax amin | maximum minimum | argmax argmin | sum mean | mean sum | sum prod | all any
softmax sigmoid | softmax log_softmax | sigmoid tanh | sigmoid softmax | tanh sigmoid | relu gelu | gelu relu
relu tanh | elu relu | elu softplus | exp expm1 | exp square | sin cos | cos sin | tril triu | triu tril
zeros ones | ones zeros | zeros_like ones_like | ones_like zeros_like | new_zeros new_ones | new_ones new_zeros
zeros_ ones_ | xavier_uniform_ xavier_normal_ | xavier_uniform_ kaiming_uniform_ | rand randn | randperm arange
cumsum cumprod | cumsum flip | unsqueeze squeeze | squeeze unsqueeze | reshape view | flatten squeeze
masked_fill masked_fill_ | clamp clip | mul_ mul | mul_ div_ | add_ sub_ | scatter scatter_add | topk sort
square abs | isqrt sqrt | ceil floor | log exp | Dropout Identity | LayerNorm Identity | ReLU Identity | ReLU GELU
repeat expand | expand repeat | repeat tile | detach clone | arange ones | outer dot | isinstance hasattr
set_rng_state manual_seed | enable_grad no_grad | modules children | parameters buffers
float16 float32 | float32 float16 | float64 float32 | bool uint8 | register_buffer __setattr__
"""

NAMES: dict[str, tuple[str, ...]] = {}
for _group in _GROUPS.replace("\n", "|").split("|"):
    if _group.strip():
        _old, _new = _group.split()
        NAMES[_old] = (*NAMES.get(_old, ()), _new)
NAMES |= {"any": ("all",), "min": ("max",), "amin": ("amax",), "minimum": ("maximum",), "argmin": ("argmax",)}


def constants(value: object) -> tuple[str, ...]:
    """What a constant is changed to."""
    if isinstance(value, bool):
        return (repr(not value),)
    if isinstance(value, int):
        return tuple(repr(new) for new in dict.fromkeys((value + 1, value - 1, -value, 0)) if new != value)
    if isinstance(value, float):
        return tuple(repr(new) for new in dict.fromkeys((value * 2, value + 0.5, 0.0, -value)) if new != value)
    if isinstance(value, str):
        return {"-inf": ("'inf'", "'nan'", "-1e4", "-1e9", "-10.0", "0.0"), "bilinear": ("'nearest'", "'bicubic'")}.get(
            value, ()
        )
    if value is None:
        return ("0", "1")
    return ()
