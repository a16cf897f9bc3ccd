"""How activation checkpointing is graded: by what comes out, and by what is still alive between the two passes."""

import gc
from collections.abc import Iterator
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from grader.authoring import Case, Exercise, Inputs, Text, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def gradient(reason: str, probe: Any, *inputs: Any, family: Any = "gradient", **options: Any) -> Case:
        return Case(reason, call(*inputs), family=family, probe=probe, **options)

    value = call(*rand.qkv(2, 3, L=4, S=6, d=5, d_v=7))
    yield Case("the value of an attention", value, probe=output_of, twice=True, public=True)
    qkv = rand.qkv(2, L=4, S=6, d=5, d_v=3)
    yield gradient("gradients of every input, whatever arrives from above", through_attention, *qkv, public=True)
    yield gradient("a tensor that needs no gradient", through_queries_and_keys, *rand.qkv(2, L=3, S=5, d=4, d_v=6))
    several = (*rand.qkv(2, L=4, S=5, d=3, d_v=6), rand.mask(4, 5))
    yield gradient("None, a number and a boolean mask among the inputs", through_a_mixture, *several)
    layer = (rand.normal(2, 5, 4), rand.normal(4, 3))
    yield gradient("a layer's weight that fn closes over", through_a_layer, *layer, public=True)
    twice = "two layers in a row, one tensor given three times, a residual"
    yield gradient(twice, through_two_layers, rand.normal(2, 5, 3))
    draws = "dropout: the second run draws what the first drew"
    yield gradient(draws, through_dropout, rand.normal(2, 7, 4), family="state")
    elsewhere = "what is drawn after each pass is what would be drawn without a checkpoint"
    yield Case(elsewhere, call(rand.normal(2, 6, 4)), "state", probe=drawn_afterwards)
    later = call(*rand.qkv(2, L=5, S=6, d=4, d_v=3))
    again = "fn runs again in the backward pass"
    yield Case(again, later, "resources", probe=through_what_changes, essential=True)
    kept = call(*rand.qkv(2, L=6, S=8, d=4, d_v=3))
    yield Case("only the inputs are kept", kept, "resources", probe=held_by, fault=nothing_held, essential=True)
    for dtype in ("float64", "bfloat16"):
        few = rand.qkv(L=3, S=5, d=4, d_v=2)
        yield gradient(dtype, through_attention, *few, family="dtype", dtype=dtype)


def attend(q, k, v):
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v


def output_of(checkpointed, q, k, v):
    return checkpointed(attend, q.requires_grad_(), k, v)


def through_attention(checkpointed, q, k, v):
    return both_passes(lambda: checkpointed(attend, q, k, v), q, k, v)


def through_queries_and_keys(checkpointed, q, k, v):
    return both_passes(lambda: checkpointed(attend, q, k, v), q, k)


def through_a_mixture(checkpointed, q, k, v, mask):
    def mixed(q, nothing, mask, k, factor, v):
        return (q @ k.mT * factor).masked_fill(~mask, float("-inf")).softmax(-1) @ v

    return both_passes(lambda: checkpointed(mixed, q, None, mask, k, 0.7, v), q, k, v)


def through_a_layer(checkpointed, x, weight):
    def projected(x):
        hidden = torch.tanh(x @ weight)
        return attend(hidden, hidden, x)

    return both_passes(lambda: checkpointed(projected, x), x, weight)


def through_two_layers(checkpointed, x):
    def stacked():
        middle = checkpointed(attend, x, x, x) + x
        return checkpointed(attend, middle, middle, middle)

    return both_passes(stacked, x)


def dropped(x):
    keep = torch.rand(*x.shape[:-1], x.shape[-2]) < 0.5  # Float32 on the CPU: the same in every run.
    return (x @ x.mT).softmax(-1) * 2 * keep.to(x) @ x


def drawn_afterwards(checkpointed, x):
    """What others draw after either pass."""
    output = checkpointed(dropped, x.requires_grad_())
    drawn = {"after the forward pass": torch.rand(3).to(x)}
    if output.requires_grad:
        output.sum().backward()
    return drawn | {"after the backward pass": torch.rand(3).to(x)}


def through_dropout(checkpointed, x):
    return both_passes(lambda: checkpointed(dropped, x), x)


def through_what_changes(checkpointed, q, k, v):
    """By the time of the backward pass the function computes otherwise: its gradients are had only by running it."""
    factors = [q.new_tensor(1.2), q.new_tensor(-0.5)]

    def attend(q, k, v):
        return (q @ k.mT * factors[0]).softmax(-1) @ v

    return both_passes(lambda: checkpointed(attend, q, k, v), q, k, v, between=factors.reverse)


SIGNS = (
    "number of gradients",
    "different than None",
    "differentiated Tensors does not require grad",
    "not require grad",
    "not have been used",
    "implicitly",
    "floating point",
)
"""What autograd complains of, without the numbers that it adds."""


def both_passes(forward, *leaves, between=None):
    """How the backward pass went, the output, and the gradients of the leaves, which all should have one."""
    for leaf in leaves:
        leaf.requires_grad_()
    torch.rand(3)  # Others draw before, and between the two passes.
    output = forward()
    torch.rand(3)
    if between is not None:
        between()
    if not output.requires_grad:
        return {"backward pass": "the output requires no gradient", "output": output.detach(), "gradients": []}
    went = "done"
    try:
        slope = torch.cos(1.0 + 0.7 * torch.arange(output.numel())).reshape(output.shape)
        output.backward(slope.to(output))
    except RuntimeError as error:
        went = "it fails: " + next((f"… {sign} …" for sign in SIGNS if sign in str(error)), str(error))
    found = [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves]
    return {"backward pass": went, "output": output.detach(), "gradients": found}


def held_by(checkpointed, q, k, v):
    """Is anything that the function made on the way still alive after the call? To be seen only from inside."""
    made = []

    def attend(q, k, v):
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        mixed = (weights @ v).exp()
        made.extend(StorageWeakRef(x.untyped_storage()) for x in (weights, mixed))
        return mixed.sin().sum(-1)

    output = checkpointed(attend, *(x.requires_grad_() for x in (q, k, v)))  # which may hold the graph
    held = any(not ref.expired() for ref in made)
    if held:
        gc.collect()
        held = any(not ref.expired() for ref in made)
    return {"held": held, "output": output.detach()}


def nothing_held(value, expected) -> Text | None:
    if value["held"] is not False:
        return Text(
            "Tensors that fn made on the way are still alive after the call: nothing is saved. Run fn with gradients "
            "off, and keep only its inputs.",
            "调用返回之后，fn 途中产生的张量仍然存活：内存并没有省下来。请在关闭梯度的状态下运行 fn，只保留它的输入。",
        )
    return None


def checkpointed(fn, *inputs):
    """The oracle: PyTorch's own, in the way that keeps placeholders."""
    from torch.utils.checkpoint import checkpoint

    return checkpoint(fn, *inputs, use_reentrant=False)


IS_TENSOR = "isinstance(x, torch.Tensor)"
NEEDS_GRADIENT = f"{IS_TENSOR} and x.requires_grad"
APPLY = "RunAgain.apply(*inputs)"
FORWARD = "forward(ctx, *inputs)"
STATE = "ctx.rng = torch.get_rng_state()"
FIRST_RUN = "return fn(*inputs)"
GRAPH = "x.detach().requires_grad_(x.requires_grad)"
FORK = "with torch.enable_grad(), torch.random.fork_rng(devices=[]):"
RESTORE = "torch.set_rng_state(ctx.rng)"
RUN = "output = fn(*again)"
BACKWARD = "torch.autograd.backward(output, grad)"
RETURN = f"tuple(x.grad if {IS_TENSOR} else None for x in again)"

FIRST_GRAPH_KEPT = f"""ctx.again = [{GRAPH} if {IS_TENSOR} else x for x in inputs]
            with torch.enable_grad():
                ctx.output = fn(*ctx.again)
            return ctx.output.detach()"""
COPIES = "lambda t: t.detach().clone(), lambda t: t"
NO_FORK = "with torch.enable_grad():"
UNUSED = ", allow_unused=True, retain_graph=True"
FN_GIVEN = ((FORWARD, "forward(ctx, fn, *inputs)"), (APPLY, "RunAgain.apply(fn, *inputs)"))
SEEDED = ((STATE, "torch.manual_seed(0)"), (RESTORE, "torch.manual_seed(0)"))


def instead(*lines: str) -> Any:
    """No second run: these lines in place of the last."""
    return replace(f"return {APPLY}", "\n    ".join(lines))


def gradients_of(wanted: str, options: str = "", then: str = "") -> Any:
    """The gradients are asked for one by one."""
    asked = f"[x for x in again if {wanted}], grad{options}"
    return replace(
        (BACKWARD, f"found = iter(torch.autograd.grad(output, {asked})){then}"),
        (RETURN, f"tuple(next(found) if {wanted} else None for x in again)"),
    )


mistakes = known(
    intermediates_kept=[
        instead(FIRST_RUN),
        replace((FIRST_RUN, FIRST_GRAPH_KEPT), (RUN, "again, output = ctx.again, ctx.output")),
        instead(f"with torch.autograd.graph.saved_tensors_hooks({COPIES}):", f"    {FIRST_RUN}"),
    ],
    result_detached=[
        instead("with torch.no_grad():", f"    {FIRST_RUN}"),
        instead(f"return fn(*(x.detach() if {IS_TENSOR} else x for x in inputs))"),
        instead(f"return fn(*({GRAPH} if {IS_TENSOR} else x for x in inputs))"),
        instead("with torch.no_grad():", "    output = fn(*inputs)", "return output.requires_grad_()"),
        instead(f"return {APPLY}.detach()"),
    ],
    parameters_without_gradient=gradients_of(NEEDS_GRADIENT),
    other_draws=[
        replace((FORK, NO_FORK), (f"                {RESTORE}\n", "")),
        replace((STATE, "output = fn(*inputs)"), (FIRST_RUN, f"{STATE}\n            return output")),
        replace(RESTORE, "torch.manual_seed(0)"),
        replace(RESTORE, "torch.manual_seed(torch.initial_seed())"),
    ],
    generator_seeded=[replace(*SEEDED), replace(*SEEDED, (FORK, NO_FORK))],
    generator_left_elsewhere=[
        replace(FORK, NO_FORK),
        replace((STATE, f"{STATE}\n            output = fn(*inputs)\n            torch.set_rng_state(ctx.rng)"), (FIRST_RUN, "return output")),
    ],
    gradient_of_every_tensor=[
        gradients_of(IS_TENSOR, UNUSED),
        gradients_of(f"{IS_TENSOR} and x.is_floating_point()", UNUSED),
        gradients_of(IS_TENSOR, UNUSED, then=f"\n            {BACKWARD}"),
    ],
    gradient_count=[
        replace(RETURN, f"tuple(x.grad for x in again if {IS_TENSOR})"),
        replace(RETURN, f"tuple(x.grad for x in again if {NEEDS_GRADIENT})"),
        replace(*FN_GIVEN),
        replace(*FN_GIVEN, (RETURN, f"*{RETURN}, None")),
    ],
    second_run_without_graph=[replace("torch.enable_grad(), ", ""), replace(GRAPH, "x.detach()")],
    upstream_ignored=[
        replace(BACKWARD, "torch.autograd.backward(output, torch.ones_like(output))"),
        replace((RUN, f"{RUN}.mean()"), (BACKWARD, "torch.autograd.backward(output)")),
        replace(BACKWARD, "torch.autograd.backward(output)"),
    ],
    inputs_not_detached=replace(GRAPH, "x"),
    every_tensor_requires_gradient=replace(GRAPH, "x.detach().requires_grad_()"),
    only_tensors_saved=replace("save_for_backward(*tensors)", "save_for_backward(*inputs)"),
)

exercise = Exercise(
    targets=("checkpointed",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(checkpointed,),
    forbidden=("checkpoint", "checkpoint_sequential", "CheckpointFunction"),
)
