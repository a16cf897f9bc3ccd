"""No switch that code leaves on reaches a graded call, and ``check`` leaves each as the learner had it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from helpers import EXERCISE, RIGHT, environment

from grader.child.modes import SWITCHES
from grader.report.model import Report
from grader.runner.runner import PackedCalls, Runner
from grader.wire.calls import Call

# What a notebook may leave behind, by what it is. Each changes what code computes, or how it fails.
LEFT_ON = {
    "gradients": "torch.set_grad_enabled(False)",
    "gradients, as a block": "torch.no_grad().__enter__()",
    "inference mode": "torch.inference_mode().__enter__()",
    "anomaly detection": "torch.autograd.set_detect_anomaly(True)",
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "default dtype, half": "torch.set_default_dtype(torch.float16)",
    "default tensor type": "torch.set_default_tensor_type(torch.DoubleTensor)",
    "default device": "torch.set_default_device('meta')",
    "device entered": "torch.device('meta').__enter__()",
    "autocast": "torch.autocast('cpu', dtype=torch.bfloat16).__enter__()",
    "autocast by function": "torch.set_autocast_enabled('cpu', True)",
    "autocast's dtype": "torch.set_autocast_dtype('cpu', torch.float16)",
    "autocast's cache": "torch.set_autocast_cache_enabled(False)",
    "deterministic algorithms": "torch.use_deterministic_algorithms(True)",
    "deterministic debug mode": "torch.set_deterministic_debug_mode('error')",
    "filling of memory": "torch.utils.deterministic.fill_uninitialized_memory = False",
    "precision of products": "torch.set_float32_matmul_precision('medium')",
    "precision, newer": "torch.backends.fp32_precision = 'bf16'",
    "precision, mixed": "torch.backends.fp32_precision = 'ieee'",
    "precision of one backend": "torch.backends.mkldnn.matmul.fp32_precision = 'bf16'",
    "precision, both ways": (
        "torch.backends.cuda.matmul.allow_tf32 = True\ntorch.backends.cudnn.conv.fp32_precision = 'ieee'"
    ),
    "warn always": "torch.set_warn_always(True)",
    "denormal numbers": "torch.set_flush_denormal(True)",
    "print options": "torch.set_printoptions(precision=1, profile='full', sci_mode=True)",
    "threads": "torch.set_num_threads(3)",
    "view replay": "torch._C._set_view_replay_enabled(True)",
    "forward mode": "torch.autograd.forward_ad._set_fwd_grad_enabled(False).__enter__()",
    "threads of autograd": "torch.autograd.set_multithreading_enabled(False)",
    "hooks of saved tensors": "torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x * 0).__enter__()",
    "hooks of saved tensors forbidden": "torch.autograd.graph.disable_saved_tensors_hooks('no').__enter__()",
    "saved on the CPU": "torch.autograd.graph.save_on_cpu().__enter__()",
    "mutation of saved tensors": "torch.autograd.graph.allow_mutation_on_saved_tensors().__enter__()",
    "forward hook of all modules": "torch.nn.modules.module.register_module_forward_hook(lambda m, i, o: o * 0)",
    "forward pre-hook": "torch.nn.modules.module.register_module_forward_pre_hook(lambda m, i: (i[0] * 0,))",
    "backward hook": "torch.nn.modules.module.register_module_full_backward_hook(lambda m, i, o: (i[0] * 0,))",
    "hook of parameters": (
        "torch.nn.modules.module.register_module_parameter_registration_hook(lambda m, n, p: torch.nn.Parameter(p * 0))"
    ),
    "function mode": (
        "class Zero(torch.overrides.TorchFunctionMode):\n"
        "    def __torch_function__(self, func, types, args=(), kwargs=None):\n"
        "        found = func(*args, **(kwargs or {}))\n"
        "        return found * 0 if func is torch.matmul else found\n"
        "Zero().__enter__()"
    ),
    "functions without subclasses": "torch._C.DisableTorchFunctionSubclass().__enter__()",
    "dispatch mode": (
        "from torch.utils._python_dispatch import TorchDispatchMode\n"
        "class Zero(TorchDispatchMode):\n"
        "    def __torch_dispatch__(self, func, types, args=(), kwargs=None):\n"
        "        found = func(*args, **(kwargs or {}))\n"
        "        return found * 0 if isinstance(found, torch.Tensor) else found\n"
        "Zero().__enter__()"
    ),
    "fake tensors": "from torch._subclasses.fake_tensor import FakeTensorMode\nFakeTensorMode().__enter__()",
    "oneDNN": "torch.backends.mkldnn.set_flags(False)",
    "NNPACK": "torch.backends.nnpack.set_flags(False)",
    "cuDNN": "torch.backends.cudnn.deterministic = True; torch.backends.cudnn.benchmark = True",
    "kernels of attention": "torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH).__enter__()",
    "math attention forbidden": "torch.backends.cuda.enable_math_sdp(False)",
    "fast path of attention": "torch.backends.mha.set_fastpath_enabled(False)",
    "quantized engine": "torch.backends.quantized.engine = torch.backends.quantized.supported_engines[0]",
    "checks of sparse tensors": "torch.sparse.check_sparse_tensor_invariants.enable()",
    "conversion of modules": "torch.__future__.set_overwrite_module_params_on_conversion(True)",
    "swapping at conversion": "torch.__future__.set_swap_module_params_on_conversion(True)",
    "validation of distributions": "torch.distributions.Distribution.set_default_validate_args(False)",
    "cache of parametrizations": "torch.nn.utils.parametrize.cached().__enter__()",
    "warnings as errors": "import warnings; warnings.simplefilter('error')",
    "errors of NumPy": "import numpy; numpy.seterr(all='raise')",
}
LOOK = """
import torch, warnings
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

def position():
    \"\"\"Every switch, as text.\"\"\"
    from grader.child.modes import SWITCHES
    found = {name: repr(switch.read()) for name, switch in SWITCHES.items()}
    found["inference mode"] = repr(torch.is_inference_mode_enabled())
    found["function modes"] = repr([type(mode).__name__ for mode in _get_current_function_mode_stack()])
    found["dispatch modes"] = repr([type(mode).__name__ for mode in _get_current_dispatch_mode_stack()])
    return found
"""
COMPUTE = """
import numpy
def compute(x, w):
    layer = torch.nn.Linear(5, 5, bias=False)
    inputs = x.clone().requires_grad_()
    weights = torch.softmax(layer(inputs) @ w, -1)
    weights.pow(2).sum().backward()
    tiny = (torch.tensor(1e-38) * 1e-2).item() != 0
    warnings.warn("graded")
    numpy.float64(1) / numpy.zeros(1)
    inner = torch.zeros(3).dtype, str(torch.zeros(1)), layer.weight.dtype
    return weights, inputs.grad, tiny, repr(inner), str(layer(x).dtype), torch.rand(2)
"""


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as started:
        yield started


@pytest.mark.parametrize("name", LEFT_ON)
def test_no_call_meets_what_a_cell_left_on(runner: Runner, name: str) -> None:
    x = torch.linspace(-1, 1, 15).reshape(3, 5)
    packed = PackedCalls([Call("position"), Call("compute", (x, x.T)), Call("position")])
    (_, usual, _) = runner.run(["", LOOK, COMPUTE], ["compute"], packed).outcomes
    assert usual.raised is None, usual
    run = runner.run([LOOK, COMPUTE, f"import torch\n{LEFT_ON[name]}"], ["compute"], packed)
    assert not run.cell_errors, run.cell_errors
    before, found, _ = run.outcomes
    position = dict(before.value)
    position.pop("threads")  # of which an answer may have its own number
    (plain, _, _) = runner.run(["", LOOK, COMPUTE], ["compute"], packed).outcomes
    expected = dict(plain.value)
    expected.pop("threads")
    assert position == expected
    assert found.raised is None, found
    for mine, theirs in zip(found.value, usual.value, strict=True):
        assert torch.equal(mine, theirs) if isinstance(mine, torch.Tensor) else mine == theirs


@pytest.mark.parametrize("name", LEFT_ON)
def test_what_a_call_leaves_on_does_not_reach_the_next(runner: Runner, name: str) -> None:
    leave = "\n".join(f"    {line}" for line in LEFT_ON[name].splitlines())
    packed = PackedCalls([Call("position"), Call("leave"), Call("position")])
    run = runner.run([LOOK, f"def leave():\n{leave}"], ["leave"], packed)
    before, _, after = run.outcomes
    assert dict(after.value) == {**before.value, "threads": after.value["threads"]}


def test_levels_that_are_left_open_are_closed(runner: Runner) -> None:
    for level in ("torch.autograd.forward_ad.enter_dual_level()", "torch._C._functorch._grad_increment_nesting()"):
        code = (
            "def f():\n    import torch.autograd.forward_ad as forward\n"
            "    with forward.dual_level():\n        pair = forward.make_dual(torch.ones(()), torch.ones(()))\n"
            "        return float(forward.unpack_dual(pair * pair).tangent)"
        )
        (outcome,) = runner.run([f"import torch\n{level}", code], ["f"], PackedCalls([Call("f")])).outcomes
        assert outcome.value == 2.0, outcome


def test_a_tracer_that_is_left_on_sees_no_call(runner: Runner) -> None:
    code = "import sys\nsys.settrace(lambda *_: 1 / 0)\nsys.setprofile(lambda *_: None)"
    look = "import sys\ndef f():\n    return sys.gettrace() is None and sys.getprofile() is None"
    (outcome,) = runner.run([look, code], ["f"], PackedCalls([Call("f")])).outcomes
    assert outcome.value is True, outcome


# Names of torch's that set something, and why nothing need be put back.
NO_SWITCH = {
    "of a tensor, a thread or a process's beginning": (
        "_set_conj _set_neg _set_tensor_metadata _set_thread_name _set_value_trace _set_worker_pids "
        "_set_worker_signal_handlers _set_generator_metaclass set_rng_state set_num_interop_threads "
        "_set_print_stack_traces_on_fatal_signal _set_should_use_format_with_string_table "
        "_set_storage_access_error_msg _set_storage_data_ptr_access_error_msg"
    ),
    "kept by a switch under another name": (
        "_set_grad_enabled set_grad_enabled set_anomaly_enabled set_default_device set_default_dtype "
        "_set_default_dtype set_default_tensor_type _set_default_tensor_type set_autocast_enabled set_autocast_dtype "
        "set_autocast_cpu_enabled set_autocast_cpu_dtype set_autocast_gpu_dtype set_deterministic_debug_mode "
        "use_deterministic_algorithms _set_deterministic_algorithms _set_deterministic_fill_uninitialized_memory "
        "set_float32_matmul_precision _set_float32_matmul_precision _set_fp32_precision_setter _set_cublas_allow_tf32 "
        "_set_cudnn_allow_tf32 _set_onednn_allow_tf32 set_flush_denormal set_num_threads set_printoptions "
        "set_warn_always _set_warnAlways _set_dispatch_mode"
    ),
    "of a device that is not graded on, or of a compiler that does not run here": (
        "set_autocast_ipu_enabled set_autocast_ipu_dtype set_autocast_xla_enabled set_autocast_xla_dtype "
        "_set_sm_carveout_experimental _set_dtensor_allow_implicit_replication _set_graph_exec_group "
        "_set_cached_tensors_enabled _set_override_stale_capture_stream"
    ),
    "changes no result": (
        "_set_warn_deprecated_on_mutable_data_ptr _set_throw_on_mutable_data_ptr "
        "_set_warn_on_accumulate_grad_stream_mismatch _set_default_mobile_cpu_allocator set_vital"
    ),
    "torch's own, within one operation": (
        "_set_tracing_state _set_skip_next_torch_function _set_only_lift_cpu_tensors _set_meta_in_tls_dispatch_include"
    ),
}


def test_every_switch_of_torch_is_known() -> None:
    """A newer torch may bring another: decide what it is."""
    names = {name for name in dir(torch) if name.startswith(("set_", "use_"))}
    names |= {name for name in dir(torch._C) if name.startswith(("_set_", "set_"))}
    known = {name for group in NO_SWITCH.values() for name in group.split()}
    assert sorted(names - known - SWITCHES.keys()) == []


# Taken off their stack without being left, as this test does it, these disturb what comes after.
DISTURBING = ("fake tensors", "dispatch mode")
IN_KERNEL = {name: code for name, code in LEFT_ON.items() if name not in DISTURBING}
IN_KERNEL |= {name: LEFT_ON[name] for name in DISTURBING}
CHECK = """
import json, sys, torch
from grader.child.modes import set_neutral
{look}
from grader import check
scope = {{}}
exec({answer!r}, scope)
set_neutral()
usual = check(scope, exercise={exercise!r}).report
reports, moved = {{}}, {{}}
for name, code in json.loads({left_on!r}).items():
    exec(code, {{"torch": torch}})
    before, flow = position(), torch.random.get_rng_state()
    try:
        report = check(scope, exercise={exercise!r}).report
        reports[name] = [report.score, [check.passed for check in report.checks]]
    except Exception as error:
        reports[name] = repr(error)
    after = position()
    moved[name] = {{key: [before[key], after[key]] for key in before if before[key] != after[key]}}
    with torch.inference_mode(False):
        set_neutral()
    if not bool((flow == torch.random.get_rng_state()).all()):
        moved[name]["random state"] = []
print("\\n" + json.dumps([[usual.score, [check.passed for check in usual.checks]], reports, moved]))
"""


@pytest.mark.slow
def test_check_grades_in_neutral_modes_and_leaves_each_as_it_was() -> None:
    # A detached answer loses marks, and must lose them with gradients switched off, too.
    answer = RIGHT.replace(
        "return torch.matmul(weights, v), weights", "return torch.matmul(weights, v.detach()), weights"
    )
    assert answer != RIGHT
    script = CHECK.format(look=LOOK, answer=answer, exercise=EXERCISE, left_on=json.dumps(IN_KERNEL))
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    usual, reports, moved = json.loads(done.stdout.splitlines()[-1])
    assert 0 < usual[0] < 6
    assert {name: found for name, found in reports.items() if found != usual} == {}
    assert {name: found for name, found in moved.items() if found} == {}


@pytest.mark.parametrize("name", ["gradients", "default device", "precision, mixed", "hooks of saved tensors"])
def test_a_right_answer_below_a_switch_gets_full_marks(grade: Callable[..., Report], name: str) -> None:
    report = grade(f"import torch\n{LEFT_ON[name]}\n{RIGHT}")
    assert report.passed, report.diagnosis
    assert not report.notes
