"""The switches of a process that change what code computes: every graded call begins from the same state.

A notebook may leave gradients off, another default dtype, deterministic mode, warnings as errors. None of it reaches
the graded calls; and in a learner's own kernel, everything is afterwards as the learner left it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import overrides
from torch._tensor_str import PRINT_OPTS
from torch.autograd import forward_ad
from torch.backends import opt_einsum
from torch.distributions import Distribution
from torch.nn.modules import module as modules
from torch.nn.utils import parametrize
from torch.utils import _python_dispatch as dispatch
from torch.utils import deterministic


class Switch(NamedTuple):
    """A setting of the process: how it is read and set, and what it is in a process that was just started."""

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    neutral: Any


def _default_device(value: Any) -> None:
    torch._GLOBAL_DEVICE_CONTEXT.device_context = value


def _filters(value: list[Any]) -> None:
    if warnings.filters != value:
        warnings.filters[:] = value  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]


def _autocast(device: str) -> tuple[bool, torch.dtype]:
    return torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)


def _set_autocast(device: str, value: tuple[bool, torch.dtype]) -> None:
    torch.set_autocast_enabled(device, value[0])
    torch.set_autocast_dtype(device, value[1])


def _numpy_errors() -> Any:
    numpy = sys.modules.get("numpy")
    return numpy.geterr() if numpy else None


def _set_numpy_errors(value: Any) -> None:
    numpy = sys.modules.get("numpy")
    if numpy:
        numpy.seterr(**(value or _NUMPY_ERRORS))


_NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def _hooks() -> dict[str, Any]:
    return {name: dict(found) for name, found in _HOOKS.items() if found}


def _set_hooks(value: dict[str, Any]) -> None:
    for name, found in _HOOKS.items():
        found.clear()
        found.update(value.get(name, ()))


_HOOKS: dict[str, Any] = {
    name: found for name, found in vars(modules).items() if name.startswith("_global_") and isinstance(found, dict)
}


def _saved_tensors_hooks() -> list[Any]:
    """What was entered and not left, the innermost last."""
    found: list[Any] = []
    while (top := _autograd._top_saved_tensors_default_hooks(True)) is not None:
        found.insert(0, top)
        _autograd._pop_saved_tensors_default_hooks()
    for hooks in found:
        _autograd._push_saved_tensors_default_hooks(*hooks)
    return found


def _set_saved_tensors_hooks(value: list[Any]) -> None:
    while _autograd._top_saved_tensors_default_hooks(True) is not None:
        _autograd._pop_saved_tensors_default_hooks()
    for hooks in value:
        _autograd._push_saved_tensors_default_hooks(*hooks)


def _forbid_saved_tensors_hooks(message: str | None) -> None:
    if message is None:
        _autograd._saved_tensors_hooks_enable()
    else:
        _autograd._saved_tensors_hooks_disable(message)


def _of(owner: Any, name: str, neutral: Any) -> Switch:
    """A setting that is a variable."""
    return Switch(lambda: getattr(owner, name), lambda value: setattr(owner, name, value), neutral)


def _pairs() -> Iterator[tuple[str, Switch]]:
    """Settings that torch has a pair of functions for; as they are when this is imported."""
    for read_name, write_name in _PAIRS:
        read, write = getattr(torch._C, read_name, None), getattr(torch._C, write_name, None)
        if read is not None and write is not None:
            yield write_name, Switch(read, write, read())


def _precision() -> tuple[list[Any], list[str]]:
    """Of float32, as torch's older functions say it, and its newer ones.

    An older one refuses to speak where newer ones were used; what it would say is then not known.
    """
    older = []
    for read, _ in _OLDER:
        try:
            older.append(read())
        except RuntimeError:
            older.append(None)
    return older, [_read_precision(*place) for place in _PLACES]


def _set_precision(value: tuple[list[Any], list[str]]) -> None:
    for (_, write), older in zip(_OLDER, value[0], strict=True):
        if older is not None:
            write(older)
    for place, newer in zip(_PLACES, value[1], strict=True):
        _write_precision(*place, newer)


_read_precision: Any = getattr(torch._C, "_get_fp32_precision_getter", None)
_write_precision: Any = getattr(torch._C, "_set_fp32_precision_setter", None)
_BACKENDS = {"generic": "all", "cuda": "all matmul conv rnn", "mkldnn": "all matmul conv rnn"}
_PLACES = [(name, operation) for name, found in _BACKENDS.items() for operation in found.split() if _read_precision]
_ALLOW_TF32 = [f"{name}_allow_tf32" for name in ("cublas", "cudnn", "onednn")]
_OLDER: list[tuple[Any, Any]] = [
    *(
        (getattr(torch._C, f"_get_{name}"), getattr(torch._C, f"_set_{name}"))
        for name in _ALLOW_TF32
        if hasattr(torch._C, f"_get_{name}")
    ),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
]
_autograd: Any = torch._C._autograd
_LIKE_NAMED = (
    "autograd_fallback_mode backcompat_broadcast_warn backcompat_keepdim_warn blas_preferred_backend "
    "cpu_allow_fp16_reduced_precision_reduction cublas_allow_bf16_reduced_precision_reduction "
    "cublas_allow_fp16_accumulation cublas_allow_fp16_reduced_precision_reduction cublaslt_prefer_grouped_gemm "
    "cudnn_benchmark cudnn_depthwise_kernel cudnn_deterministic cudnn_enabled graph_executor_optimize "
    "linalg_preferred_backend math_sdp_allow_fp16_bf16_reduction miopen_immediate mkldnn_deterministic mkldnn_enabled "
    "nnpack_enabled qengine rocm_fa_preferred_backend sdp_priority_order torch_function_state"
)
_KERNELS = "cudnn fa3 flash math mem_efficient overrideable"
_PAIRS = (
    *((f"_get_{name}", f"_set_{name}") for name in _LIKE_NAMED.split()),
    *((f"_get_{name}_sdp_enabled", f"_set_sdp_use_{name}") for name in _KERNELS.split()),
    ("_is_fwd_grad_enabled", "_set_fwd_grad_enabled"),
    ("_is_grad_layout_enforcement_enabled", "_set_grad_layout_enforcement_enabled"),
    ("_is_multithreading_enabled", "_set_multithreading_enabled"),
    ("_is_view_replay_enabled", "_set_view_replay_enabled"),
    ("_check_sparse_tensor_invariants", "_set_check_sparse_tensor_invariants"),
    ("is_autocast_cache_enabled", "set_autocast_cache_enabled"),
)
_TINY = 5e-324
_CONVERSIONS = ("overwrite_module_params_on_conversion", "swap_module_params_on_conversion")
SWITCHES: dict[str, Switch] = {
    "gradients": Switch(torch.is_grad_enabled, torch._C._set_grad_enabled, True),
    "anomaly detection": Switch(
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda value: torch.set_anomaly_enabled(*value),
        (False, True),
    ),
    "default dtype": Switch(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    "default device": Switch(
        lambda: getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None), _default_device, None
    ),
    "autocast on the CPU": Switch(
        lambda: _autocast("cpu"), lambda value: _set_autocast("cpu", value), (False, torch.bfloat16)
    ),
    "autocast on CUDA": Switch(
        lambda: _autocast("cuda"), lambda value: _set_autocast("cuda", value), (False, torch.float16)
    ),
    "autocast on MPS": Switch(
        lambda: _autocast("mps"), lambda value: _set_autocast("mps", value), (False, torch.float16)
    ),
    "deterministic algorithms": Switch(
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
        (False, False),
    ),
    "filling of memory": Switch(
        lambda: getattr(deterministic, "fill_uninitialized_memory", True),
        lambda value: setattr(deterministic, "fill_uninitialized_memory", value),
        True,
    ),
    "precision of float32": Switch(_precision, _set_precision, _precision()),
    "warn always": Switch(torch.is_warn_always_enabled, torch.set_warn_always, False),
    "print options": Switch(lambda: dict(vars(PRINT_OPTS)), vars(PRINT_OPTS).update, dict(vars(type(PRINT_OPTS)()))),
    # A kernel may have made errors of warnings before this is imported.
    "warnings": Switch(
        lambda: list(warnings.filters), _filters, [known for known in warnings.filters if known[0] != "error"]
    ),
    "hooks of all modules": Switch(_hooks, _set_hooks, {}),
    "kind of backward hooks": _of(modules, "_global_is_full_backward_hook", None),
    "hooks of saved tensors": Switch(_saved_tensors_hooks, _set_saved_tensors_hooks, []),
    "hooks of saved tensors forbidden": Switch(
        _autograd._saved_tensors_hooks_get_disabled_error_message, _forbid_saved_tensors_hooks, None
    ),
    "denormal numbers": Switch(lambda: _TINY * 2 == 0, torch.set_flush_denormal, False),
    "fast path of attention": Switch(
        torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled, True
    ),
    "validation of distributions": _of(Distribution, "_validate_args", __debug__),
    "cache of parametrizations": _of(parametrize, "_cache_enabled", 0),
    **{name: _of(torch.__future__, f"_{name}", False) for name in _CONVERSIONS},
    "errors of NumPy": Switch(_numpy_errors, _set_numpy_errors, _NUMPY_ERRORS if "numpy" in sys.modules else None),
    "threads": Switch(torch.get_num_threads, torch.set_num_threads, 1),
    **dict(_pairs()),
    **(
        {name: _of(opt_einsum, name, getattr(opt_einsum, name)) for name in ("enabled", "strategy")}
        if opt_einsum.is_available()
        else {}
    ),
}


def set_neutral(without: frozenset[str] = frozenset()) -> None:
    """Put every switch but those ``without`` into its neutral position, for good."""
    for kind, stack in _STACKS:
        for _ in stack():
            kind._pop_mode()
    if torch.is_inference_mode_enabled():
        torch.inference_mode(False).__enter__()
    for name, switch in SWITCHES.items():
        if name not in without and switch.read() != switch.neutral:
            switch.write(switch.neutral)


def leave_levels() -> None:
    """Leave a level of forward-mode differentiation, or of `torch.func`, that is still open.

    Not for a learner's kernel: what was computed on it is lost.
    """
    while forward_ad._current_level >= 0:
        forward_ad.exit_dual_level()  # type: ignore[no-untyped-call]
    functions: Any = torch._C._functorch
    while functions.peek_interpreter_stack() is not None:
        functions.pop_dynamic_layer_stack()


@contextmanager
def neutral_modes() -> Iterator[None]:
    """Every switch in its neutral position; afterwards, each as it was."""
    before = {name: switch.read() for name, switch in SWITCHES.items()}
    modes = [(kind, stack()) for kind, stack in _STACKS]
    with torch.inference_mode(False):
        try:
            set_neutral()
            yield
        finally:
            set_neutral()
            for name, value in before.items():
                if value != SWITCHES[name].neutral:
                    SWITCHES[name].write(value)
            for kind, stack in modes:
                for mode in stack:
                    kind._push_mode(mode)


_STACKS: tuple[tuple[Any, Callable[[], list[Any]]], ...] = (
    (overrides, overrides._get_current_function_mode_stack),
    (dispatch, dispatch._get_current_dispatch_mode_stack),
)
"""Modes that somebody entered and did not leave."""
