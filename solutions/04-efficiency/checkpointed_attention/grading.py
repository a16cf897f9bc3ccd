"""How activation checkpointing is graded: by what comes out, and by what is still alive between the two passes."""

from collections.abc import Iterator

import torch

from grader.authoring import Case, Exercise, Inputs, Text, call, known, replace, rewrite


def output_of(checkpointed, q, k, v):
    def attend(q, k, v):
        return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v

    return checkpointed(attend, q.requires_grad_(), k, v)


def gradients_of(checkpointed, function, *inputs, weight=None, constant=()):
    """How the backward pass went, the output, and the gradients of everything that should have one."""
    import torch

    def attend(q, k, v):
        return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v

    def mixed(q, nothing, mask, k, factor, v):
        return (q @ k.mT * factor).masked_fill(~mask, float("-inf")).softmax(-1) @ v

    def projected(x):
        hidden = torch.tanh(x @ weight)
        return attend(hidden, hidden, x)

    def dropped(x):
        keep = torch.rand(*x.shape[:-1], x.shape[-2]) < 0.5  # Float32 on the CPU: the same in every run.
        return (x @ x.mT).softmax(-1) * 2 * keep.to(x) @ x

    def stacked(x):
        middle = checkpointed(attend, x, x, x) + x
        return checkpointed(attend, middle, middle, middle)

    tensors = [x for x in (*inputs, weight) if isinstance(x, torch.Tensor) and x.is_floating_point()]
    leaves = [x.requires_grad_() for i, x in enumerate(tensors) if i not in constant]
    torch.rand(3)  # Others draw before, and between the two passes.
    output = stacked(*inputs) if function == "stacked" else checkpointed(locals()[function], *inputs)
    torch.rand(3)
    went = "done"
    try:
        slope = torch.cos(1.0 + 0.7 * torch.arange(output.numel())).reshape(output.shape)
        output.backward(slope.to(output)) if output.requires_grad else leaves.clear()
    except RuntimeError as error:
        signs = (
            "number of gradients",
            "different than None",
            "differentiated Tensors does not require grad",
            "not require grad",
            "not have been used",
            "implicitly",
            "floating point",
        )
        went = "it fails: " + next((f"… {sign} …" for sign in signs if sign in str(error)), str(error))
    if not leaves:
        went = "the output requires no gradient"
    found = [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves]
    return {"backward pass": went, "output": output.detach(), "gradients": found}


def held_by(checkpointed, q, k, v):
    """Is anything that the function made on the way still alive after the call, and does it run a second time?"""
    import gc

    from torch.multiprocessing.reductions import StorageWeakRef

    made, runs = [], []

    def attend(q, k, v):
        runs.append(1)
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        mixed = (weights @ v).exp()
        made.extend(StorageWeakRef(x.untyped_storage()) for x in (weights, mixed))
        return mixed.sin().sum(-1)

    output = checkpointed(attend, *(x.requires_grad_() for x in (q, k, v)))
    held = any(not ref.expired() for ref in made)
    if held:
        gc.collect()
        held = any(not ref.expired() for ref in made)
    again = True
    if output.requires_grad:
        try:
            output.sum().backward()
            again = len(runs) > 1
        except RuntimeError:
            pass
    return {"held": held, "again": again}


def nothing_held(value, expected) -> Text | None:
    if value["held"] is not False:
        return Text(
            "Tensors that fn made on the way are still alive after the call: nothing is saved. Run fn with gradients "
            "off, and keep only its inputs.",
            "调用返回之后，fn 途中产生的张量仍然存活：内存并没有省下来。请在关闭梯度的状态下运行 fn，只保留它的输入。",
        )
    if value["again"] is not True:
        return Text(
            "fn does not run again in the backward pass, so what it needs there was kept somewhere after all.",
            "反向传播时 fn 没有再运行一遍，说明所需的中间结果还是被保存在了某处。",
        )
    return None


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case(
        "the value of an attention",
        call(*rand.qkv(2, 3, L=4, S=6, d=5, d_v=7)),
        probe=output_of,
        twice=True,
        public=True,
    )
    yield Case(
        "gradients of every input, whatever arrives from above",
        call("attend", *rand.qkv(2, L=4, S=6, d=5, d_v=3)),
        family="gradient",
        probe=gradients_of,
        public=True,
    )
    q, k, v = rand.qkv(2, L=3, S=5, d=4, d_v=6)
    yield Case(
        "a tensor that needs no gradient", call("attend", q, k, v, constant=(2,)), family="gradient", probe=gradients_of
    )
    q, k, v = rand.qkv(2, L=4, S=5, d=3, d_v=6)
    yield Case(
        "None, a number and a boolean mask among the inputs",
        call("mixed", q, None, rand.mask(4, 5), k, 0.7, v),
        family="gradient",
        probe=gradients_of,
    )
    yield Case(
        "a layer's weight that fn closes over",
        call("projected", rand.normal(2, 5, 4), weight=rand.normal(4, 3)),
        family="gradient",
        probe=gradients_of,
        public=True,
    )
    yield Case(
        "two layers in a row, one tensor given three times, a residual",
        call("stacked", rand.normal(2, 5, 3)),
        family="gradient",
        probe=gradients_of,
    )
    yield Case(
        "dropout: the second run draws what the first drew",
        call("dropped", rand.normal(2, 7, 4)),
        family="state",
        probe=gradients_of,
    )
    yield Case(
        "only the inputs are kept",
        call(*rand.qkv(2, L=6, S=8, d=4, d_v=3)),
        family="resources",
        probe=held_by,
        fault=nothing_held,
    )
    yield Case(
        "float64", call("attend", *rand.qkv(L=3, S=5, d=4, d_v=2)), family="dtype", probe=gradients_of, dtype="float64"
    )
    yield Case(
        "bfloat16",
        call("attend", *rand.qkv(L=3, S=4, d=5, d_v=2)),
        family="dtype",
        probe=gradients_of,
        dtype="bfloat16",
    )


def checkpointed(fn, *inputs):
    """The oracle: PyTorch's own, in the way that keeps placeholders."""
    from torch.utils.checkpoint import checkpoint

    return checkpoint(fn, *inputs, use_reentrant=False)


def plain(fn, *inputs):
    return fn(*inputs)


def copies_kept(fn, *inputs):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        return fn(*inputs)


def graph_kept(fn, *inputs):
    class Kept(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.inputs = [
                x.detach().requires_grad_(x.requires_grad) if isinstance(x, torch.Tensor) else x for x in inputs
            ]
            with torch.enable_grad():
                ctx.output = fn(*ctx.inputs)
            return ctx.output.detach()

        @staticmethod
        def backward(ctx, grad):
            torch.autograd.backward(ctx.output, grad)
            return tuple(x.grad if isinstance(x, torch.Tensor) else None for x in ctx.inputs)

    return Kept.apply(*inputs)


def nothing_recorded(fn, *inputs):
    with torch.no_grad():
        return fn(*inputs)


def inputs_cut(fn, *inputs):
    return fn(*(x.detach() if isinstance(x, torch.Tensor) else x for x in inputs))


def leaves_made(fn, *inputs):
    return fn(*(x.detach().requires_grad_(x.requires_grad) if isinstance(x, torch.Tensor) else x for x in inputs))


def gradient_claimed(fn, *inputs):
    with torch.no_grad():
        output = fn(*inputs)
    return output.requires_grad_()


GRAPH = "x.detach().requires_grad_(x.requires_grad)"
FORK = "with torch.enable_grad(), torch.random.fork_rng(devices=[]):"
RESTORE = "torch.set_rng_state(ctx.rng)"
RUN = "output = fn(*again)"
BACKWARD = "torch.autograd.backward(output, grad)"
RETURN = "tuple(x.grad if isinstance(x, torch.Tensor) else None for x in again)"
GRADIENTS_OF_ALL = (
    "tensors = [x for x in again if isinstance(x, torch.Tensor)]\n"
    "            found = iter(torch.autograd.grad(output, tensors, grad, allow_unused=True, retain_graph=True))"
)
FLOATING = "x.is_floating_point()"
ONE_FOR_EACH_TENSOR = "tuple(next(found) if isinstance(x, torch.Tensor) else None for x in again)"

mistakes = known(
    intermediates_kept=[rewrite(plain), rewrite(graph_kept), rewrite(copies_kept)],
    inputs_detached=[
        rewrite(nothing_recorded),
        rewrite(inputs_cut),
        rewrite(leaves_made),
        rewrite(gradient_claimed),
        replace("RunAgain.apply(*inputs)", "RunAgain.apply(*inputs).detach()"),
    ],
    parameters_without_gradient=replace(
        (
            BACKWARD,
            "wanted = [x for x in again if isinstance(x, torch.Tensor) and x.requires_grad]\n"
            "            found = iter(torch.autograd.grad(output, wanted, grad))",
        ),
        (RETURN, "tuple(next(found) if isinstance(x, torch.Tensor) and x.requires_grad else None for x in again)"),
    ),
    other_draws=[
        replace((FORK, "with torch.enable_grad():"), (f"                {RESTORE}\n", "")),
        replace(
            (
                "            ctx.rng = torch.get_rng_state()\n            return fn(*inputs)",
                "            output = fn(*inputs)\n            ctx.rng = torch.get_rng_state()\n            return output",
            )
        ),
        replace(RESTORE, "torch.manual_seed(0)"),
        replace(RESTORE, "torch.manual_seed(torch.initial_seed())"),
    ],
    generator_seeded=[
        replace(("ctx.rng = torch.get_rng_state()", "torch.manual_seed(0)"), (RESTORE, "torch.manual_seed(0)")),
        replace(
            ("ctx.rng = torch.get_rng_state()", "torch.manual_seed(0)"),
            (FORK, "with torch.enable_grad():"),
            (RESTORE, "torch.manual_seed(0)"),
        ),
    ],
    gradient_of_every_tensor=[
        replace((BACKWARD, GRADIENTS_OF_ALL), (RETURN, ONE_FOR_EACH_TENSOR)),
        replace(
            (BACKWARD, GRADIENTS_OF_ALL.replace("torch.Tensor)]", f"torch.Tensor) and {FLOATING}]")),
            (RETURN, ONE_FOR_EACH_TENSOR.replace("torch.Tensor)", f"torch.Tensor) and {FLOATING}")),
        ),
        replace((BACKWARD, f"{GRADIENTS_OF_ALL}\n            {BACKWARD}"), (RETURN, ONE_FOR_EACH_TENSOR)),
    ],
    gradient_count=[
        replace(RETURN, "tuple(x.grad for x in again if isinstance(x, torch.Tensor))"),
        replace(RETURN, "tuple(x.grad for x in again if isinstance(x, torch.Tensor) and x.requires_grad)"),
        replace(
            ("forward(ctx, *inputs)", "forward(ctx, fn, *inputs)"),
            ("RunAgain.apply(*inputs)", "RunAgain.apply(fn, *inputs)"),
        ),
        replace(
            ("forward(ctx, *inputs)", "forward(ctx, fn, *inputs)"),
            ("RunAgain.apply(*inputs)", "RunAgain.apply(fn, *inputs)"),
            (RETURN, f"*{RETURN}, None"),
        ),
    ],
    second_run_without_graph=[replace("torch.enable_grad(), ", ""), replace(GRAPH, "x.detach()")],
    upstream_ignored=[
        replace(BACKWARD, "torch.autograd.backward(output, torch.ones_like(output))"),
        replace((RUN, f"{RUN}.mean()"), (BACKWARD, "torch.autograd.backward(output)")),
        replace(BACKWARD, "torch.autograd.backward(output)"),
    ],
    inputs_not_detached=replace(GRAPH, "x"),
    every_tensor_requires_gradient=replace(GRAPH, "x.detach().requires_grad_()"),
    only_tensors_saved=replace(("ctx.save_for_backward(*tensors)", "ctx.save_for_backward(*inputs)")),
)

exercise = Exercise(
    targets=("checkpointed",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(checkpointed,),
    forbidden=("checkpoint", "checkpoint_sequential", "CheckpointFunction"),
)
