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
from torch.nn.modules import module as modules
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
        numpy.seterr(**(value or {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}))


def _hooks() -> dict[str, Any]:
    return {name: dict(found) for name, found in _HOOKS.items() if found}


def _set_hooks(value: dict[str, Any]) -> None:
    for name, found in _HOOKS.items():
        found.clear()
        found.update(value.get(name, ()))


_HOOKS: dict[str, Any] = {
    name: found for name, found in vars(modules).items() if name.startswith("_global_") and isinstance(found, dict)
}


def _pair(name: str) -> Switch | None:
    """A setting that torch has a pair of functions for, ``_get_…`` and ``_set_…``; as it is when this is imported."""
    read, write = getattr(torch._C, f"_get_{name}", None), getattr(torch._C, f"_set_{name}", None)
    return None if read is None or write is None else Switch(read, write, read())


_PAIRS = (
    "cpu_allow_fp16_reduced_precision_reduction",
    "cublas_allow_bf16_reduced_precision_reduction",
    "cublas_allow_fp16_accumulation",
    "cublas_allow_fp16_reduced_precision_reduction",
    "cublas_allow_tf32",
    "cudnn_allow_tf32",
    "cudnn_enabled",
    "math_sdp_allow_fp16_bf16_reduction",
    "mkldnn_enabled",
    "nnpack_enabled",
    "onednn_allow_tf32",
)
SWITCHES: dict[str, Switch] = {
    "gradients": Switch(torch.is_grad_enabled, torch._C._set_grad_enabled, True),
    "anomaly detection": Switch(
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda value: torch.set_anomaly_enabled(*value),
        (False, True),
    ),
    "threads of autograd": Switch(torch._C._is_multithreading_enabled, torch._C._set_multithreading_enabled, True),
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
    "precision of products": Switch(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
    "warn always": Switch(torch.is_warn_always_enabled, torch.set_warn_always, False),
    "print options": Switch(lambda: dict(vars(PRINT_OPTS)), vars(PRINT_OPTS).update, dict(vars(PRINT_OPTS))),
    "warnings": Switch(lambda: list(warnings.filters), _filters, list(warnings.filters)),
    "hooks of all modules": Switch(_hooks, _set_hooks, _hooks()),
    "errors of NumPy": Switch(_numpy_errors, _set_numpy_errors, _numpy_errors()),
    "threads": Switch(torch.get_num_threads, torch.set_num_threads, 1),
    **{name: found for name in _PAIRS if (found := _pair(name)) is not None},
}


def set_neutral(without: frozenset[str] = frozenset()) -> None:
    """Put every switch but those ``without`` into its neutral position, for good."""
    for kind, stack in _STACKS:
        for _ in stack():
            kind._pop_mode()
    if torch.is_inference_mode_enabled():
        torch.inference_mode(False).__enter__()
    torch.set_flush_denormal(False)  # which cannot be read
    for name, switch in SWITCHES.items():
        if name not in without and switch.read() != switch.neutral:
            switch.write(switch.neutral)


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
