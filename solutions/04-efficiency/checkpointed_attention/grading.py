"""How activation checkpointing is graded: by what comes out, and by what is still alive between the two passes."""

from collections.abc import Iterator

import torch

from grader.authoring import Case, Exercise, Random, Text, edit, mistake, rewrite


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


def cases(rand: Random) -> Iterator[Case]:
    yield Case(
        "the value of an attention", rand.qkv(2, 3, L=4, S=6, d=5, d_v=7), drive=output_of, twice=True, public=True
    )
    yield Case(
        "gradients of every input, whatever arrives from above",
        ("attend", *rand.qkv(2, L=4, S=6, d=5, d_v=3)),
        drive=gradients_of,
        family="gradient",
        public=True,
    )
    q, k, v = rand.qkv(2, L=3, S=5, d=4, d_v=6)
    yield Case(
        "a tensor that needs no gradient",
        ("attend", q, k, v),
        {"constant": (2,)},
        drive=gradients_of,
        family="gradient",
    )
    q, k, v = rand.qkv(2, L=4, S=5, d=3, d_v=6)
    yield Case(
        "None, a number and a boolean mask among the inputs",
        ("mixed", q, None, rand.mask(4, 5), k, 0.7, v),
        drive=gradients_of,
        family="gradient",
    )
    yield Case(
        "a layer's weight that fn closes over",
        ("projected", rand.normal(2, 5, 4)),
        {"weight": rand.normal(4, 3)},
        drive=gradients_of,
        family="gradient",
        public=True,
    )
    yield Case(
        "two layers in a row, one tensor given three times, a residual",
        ("stacked", rand.normal(2, 5, 3)),
        drive=gradients_of,
        family="gradient",
    )
    yield Case(
        "dropout: the second run draws what the first drew",
        ("dropped", rand.normal(2, 7, 4)),
        drive=gradients_of,
        family="state",
    )
    yield Case(
        "only the inputs are kept",
        rand.qkv(2, L=6, S=8, d=4, d_v=3),
        drive=held_by,
        judge=nothing_held,
        family="resources",
    )
    yield Case(
        "float64", ("attend", *rand.qkv(L=3, S=5, d=4, d_v=2)), drive=gradients_of, dtype="float64", family="dtype"
    )
    yield Case(
        "bfloat16", ("attend", *rand.qkv(L=3, S=4, d=5, d_v=2)), drive=gradients_of, dtype="bfloat16", family="dtype"
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

mistakes = (
    mistake(
        "intermediates-kept",
        "resources",
        rewrite(plain),
        rewrite(graph_kept),
        rewrite(copies_kept),
        en="Values and gradients are right, but what fn makes on the way is kept for the backward pass as without a "
        "checkpoint: no memory is saved. Run fn without recording a graph, keep its inputs, run it again in backward.",
        zh="值和梯度都对，但 fn 途中产生的张量仍像没有检查点时一样保留到反向传播：没有省下内存。"
        "前向时不记录计算图地运行 fn，只保留输入，在反向传播时重算。",
    ),
    mistake(
        "inputs-detached",
        "gradient",
        rewrite(nothing_recorded),
        rewrite(inputs_cut),
        rewrite(leaves_made),
        rewrite(gradient_claimed),
        edit("RunAgain.apply(*inputs)", "RunAgain.apply(*inputs).detach()"),
        en="The inputs are cut from the graph: fn runs under no_grad or on detached tensors, and nothing ties the "
        "output "
        "back to them, so no gradient arrives. Wrap the run in a torch.autograd.Function with a backward of its own.",
        zh="输入与计算图断开了：fn 在 no_grad 下或在 detach 后的张量上运行，输出与输入没有联系，梯度传不回去。"
        "请用带有自定义 backward 的 torch.autograd.Function 包住它。",
    ),
    mistake(
        "parameters-without-gradient",
        "gradient",
        edit(
            (
                BACKWARD,
                "wanted = [x for x in again if isinstance(x, torch.Tensor) and x.requires_grad]\n"
                "            found = iter(torch.autograd.grad(output, wanted, grad))",
            ),
            (RETURN, "tuple(next(found) if isinstance(x, torch.Tensor) and x.requires_grad else None for x in again)"),
        ),
        en="Parameters that fn closes over get no gradient: torch.autograd.grad with respect to the inputs returns "
        "theirs "
        "and no others. Call torch.autograd.backward on the second run's output: it also accumulates into the "
        "parameters.",
        zh="fn 闭包引用的参数没有得到梯度：对输入调用 torch.autograd.grad 只返回输入的梯度。"
        "请对第二次运行的输出调用 torch.autograd.backward，它会同时累积到参数上。",
    ),
    mistake(
        "other-draws",
        "state",
        edit((FORK, "with torch.enable_grad():"), (f"                {RESTORE}\n", "")),
        edit(
            (
                "            ctx.rng = torch.get_rng_state()\n            return fn(*inputs)",
                "            output = fn(*inputs)\n            ctx.rng = torch.get_rng_state()\n            return output",
            ),
        ),
        edit(RESTORE, "torch.manual_seed(0)"),
        edit(RESTORE, "torch.manual_seed(torch.initial_seed())"),
        en="The second run of fn draws other random numbers than the first: the dropout mask differs, and the gradient "
        "belongs to another function. Note the generator's state before the first run and restore it for the second.",
        zh="第二次运行 fn 抽到的随机数与第一次不同：dropout 掩码变了，得到的是另一个函数的梯度。"
        "请在第一次运行之前记下随机数生成器的状态，第二次运行时恢复。",
    ),
    mistake(
        "generator-seeded",
        "state",
        edit(("ctx.rng = torch.get_rng_state()", "torch.manual_seed(0)"), (RESTORE, "torch.manual_seed(0)")),
        edit(
            ("ctx.rng = torch.get_rng_state()", "torch.manual_seed(0)"),
            (FORK, "with torch.enable_grad():"),
            (RESTORE, "torch.manual_seed(0)"),
        ),
        en="You seed the generator yourself: both runs agree, but every call now draws the same dropout mask, and not "
        "the one that fn would have drawn. Read the state with torch.get_rng_state and set it again; do not seed.",
        zh="你自己给生成器设了种子：两次运行虽然一致，但每次调用都抽到同一个 dropout 掩码，而不是 fn 本来会抽到的。"
        "请用 torch.get_rng_state 读取状态再恢复，不要设种子。",
    ),
    mistake(
        "gradient-of-every-tensor",
        "gradient",
        edit((BACKWARD, GRADIENTS_OF_ALL), (RETURN, ONE_FOR_EACH_TENSOR)),
        edit(
            (BACKWARD, GRADIENTS_OF_ALL.replace("torch.Tensor)]", f"torch.Tensor) and {FLOATING}]")),
            (RETURN, ONE_FOR_EACH_TENSOR.replace("torch.Tensor)", f"torch.Tensor) and {FLOATING}")),
        ),
        edit((BACKWARD, f"{GRADIENTS_OF_ALL}\n            {BACKWARD}"), (RETURN, ONE_FOR_EACH_TENSOR)),
        en="torch.autograd.grad is asked for the gradient of every tensor, also of those that require none (a boolean "
        "mask, a constant), and that fails. Ask for those alone that require a gradient and return None for the others; "
        "or call torch.autograd.backward, which also reaches the parameters that fn closes over.",
        zh="你用 torch.autograd.grad 对每个张量求梯度，包括不需要梯度的张量（布尔掩码、常量），因此报错。"
        "只应对需要梯度的张量求梯度，其余返回 None；或者调用 torch.autograd.backward，它还能到达 fn 闭包引用的参数。",
    ),
    mistake(
        "gradient-count",
        "gradient",
        edit(RETURN, "tuple(x.grad for x in again if isinstance(x, torch.Tensor))"),
        edit(RETURN, "tuple(x.grad for x in again if isinstance(x, torch.Tensor) and x.requires_grad)"),
        edit(
            ("forward(ctx, *inputs)", "forward(ctx, fn, *inputs)"),
            ("RunAgain.apply(*inputs)", "RunAgain.apply(fn, *inputs)"),
        ),
        edit(
            ("forward(ctx, *inputs)", "forward(ctx, fn, *inputs)"),
            ("RunAgain.apply(*inputs)", "RunAgain.apply(fn, *inputs)"),
            (RETURN, f"*{RETURN}, None"),
        ),
        en="backward returns the wrong number of gradients, or in the wrong places: it returns one for every argument "
        "of "
        "forward, in order, and None for those that are not tensors (numbers, None, fn itself).",
        zh="backward 返回的梯度个数不对或位置不对：forward 的每个参数都要按顺序对应一项，不是张量的（数、None、fn "
        "本身）返回 None。",
    ),
    mistake(
        "second-run-without-graph",
        "gradient",
        edit("torch.enable_grad(), ", ""),
        edit(GRAPH, "x.detach()"),
        en="The second run records no graph: gradients are off inside Function.backward, and a detached tensor "
        "requires "
        "none. Use torch.enable_grad() there, and requires_grad_() on the detached inputs.",
        zh="第二次运行没有记录计算图：在 Function.backward 里梯度是关闭的，detach 后的张量也不要求梯度。"
        "请在那里使用 torch.enable_grad()，并对 detach 后的输入调用 requires_grad_()。",
    ),
    mistake(
        "upstream-ignored",
        "gradient",
        edit(BACKWARD, "torch.autograd.backward(output, torch.ones_like(output))"),
        edit((RUN, f"{RUN}.mean()"), (BACKWARD, "torch.autograd.backward(output)")),
        edit(BACKWARD, "torch.autograd.backward(output)"),
        en="The gradient that arrives from above is not used: hand it to the inner backward pass "
        "(torch.autograd.backward(output, grad)), instead of starting from a sum.",
        zh="没有使用上游传来的梯度：应当把它交给内层反向传播（torch.autograd.backward(output, grad)），"
        "而不是从求和开始。",
    ),
    mistake(
        "inputs-not-detached",
        "gradient",
        edit(GRAPH, "x"),
        en="The second run uses the inputs themselves, not detached copies: the inner backward pass runs on into the "
        "graph "
        "outside, and gradients arrive twice or not at all. Detach the inputs and let the copies require gradients.",
        zh="第二次运行用的是输入本身，而不是 detach 后的副本：内层反向传播会走进外面的计算图，梯度到达两次或者丢失。"
        "请先 detach 输入，再让副本要求梯度。",
    ),
    mistake(
        "every-tensor-requires-gradient",
        "gradient",
        edit(GRAPH, "x.detach().requires_grad_()"),
        en="Every tensor among the inputs is made to require a gradient, a boolean mask too, which cannot. Keep what "
        "each "
        "input had: requires_grad_(x.requires_grad).",
        zh="你让输入中的每个张量都要求梯度，但布尔掩码不能有梯度。应当沿用各自原来的设置："
        "requires_grad_(x.requires_grad)。",
    ),
    mistake(
        "only-tensors-saved",
        "interface",
        edit(("ctx.save_for_backward(*tensors)", "ctx.save_for_backward(*inputs)")),
        en="save_for_backward takes tensors (and None) only, and fn may be given numbers: keep other arguments on ctx.",
        zh="save_for_backward 只接受张量（和 None），而 fn 的参数里可能有数：其他参数请直接放在 ctx 上。",
    ),
)

exercise = Exercise(
    targets=("checkpointed",),
    outputs=("output",),
    cases=cases,
    mistakes=mistakes,
    oracles=(checkpointed,),
    forbidden=("checkpoint", "checkpoint_sequential", "CheckpointFunction"),
)
