# %% [markdown]
# > *"Your attention layer fits in memory when it runs, but not when it trains. You may not change the mathematics, and
# > you may not make the batch smaller. What do you trade, and can you write it?"*
#
# Training needs more memory than inference because every operation keeps what its derivative will ask for: the softmax
# of L × S scores keeps its L × S weights until the backward pass. **Activation checkpointing** (also called
# gradient checkpointing, though it is not gradients that are checkpointed) keeps only the *inputs* of a piece of the
# network, and runs that piece once more in the backward pass (Chen et al., 2016). The price of the memory is one more
# forward pass.
#
# **Write** `checkpointed(fn, *inputs)`: it returns what `fn(*inputs)` returns, and differentiates just as well, but
# holds on to nothing in between except the inputs.
#
# - `fn` takes the inputs by position and returns **one tensor**. `inputs` are tensors or anything else: a number,
#   `None`, a boolean mask, a tensor that needs no gradient. Such arguments are simply passed on. At least one input
#   requires a gradient.
# - **Same values and same gradients** as `fn(*inputs)`, for every input that requires a gradient, whatever gradient
#   arrives from above. Calls can follow each other, and one tensor may be given several times
#   (`checkpointed(attend, x, x, x)`).
# - **Only the inputs are kept.** After the call returns, no tensor that `fn` made on the way is still held (its output
#   aside), and `fn` runs again during the backward pass: the gradients are those of this second run. What is still held
#   is watched inside your own process: a check that helps you, and no proof against somebody who hides it.
# - **Parameters that `fn` closes over** (the weights of a layer) get their gradients too, when somebody calls
#   `.backward()`. `torch.autograd.grad` with respect to *them* is not asked for.
# - **Same dropout.** `fn` may draw random numbers (from PyTorch's CPU generator, as `torch.rand` and dropout on the CPU
#   do), and others may draw between the forward and the backward pass. The second run has to draw what the first one
#   drew, and after it the generator stands where it would stand without a checkpoint.
# - Outputs and gradients keep the inputs' dtype and device; inputs are not changed.
# - Nothing from `torch.utils.checkpoint`: write it with `torch.autograd`.
#
# **By hand.** fn(x) = (x²)³ at x = 2. Forward: a = x² = 4, output 64. Plain autograd keeps x for the square *and*
# a for the cube. With a checkpoint only x = 2 is kept. Backward, with 1 arriving from above: run again, a = 4; the cube
# gives 3a² · 1 = 48, the square 2x · 48 = **192**. (Check: the derivative of x⁶ is 6x⁵ = 192.) If 0.5 arrives from
# above it is 96.
#
# **What it saves.** One attention layer in bfloat16, batch 1, 16 heads of size 64, 4,096 tokens:
#
# | kept for the backward pass | plain | checkpointed |
# |---|---|---|
# | q, k, v (3 × 4,096 × 1,024 numbers) | 24 MiB | 24 MiB |
# | weights (16 × 4,096 × 4,096 numbers) | 512 MiB | – |
# | forward passes | 1 | 2 |

# %% [markdown] lang="zh"
# > *“你的注意力层推理时放得进显存，训练时却放不进。计算结果不许变，批大小也不许减。你用什么来换？能写出来吗？”*
#
# 训练比推理更占显存，因为每个操作都要留下求导所需的东西：对 L × S 个得分做 softmax，
# 就要把 L × S 个权重一直留到反向传播。
# **激活检查点**（activation checkpointing，也叫梯度检查点，其实保存的并不是梯度）只保留网络某一段的*输入*，
# 反向传播时把这一段再算一遍（Chen 等，2016）。这是用多一次前向计算来换显存。
#
# **请实现** `checkpointed(fn, *inputs)`：返回值与 `fn(*inputs)` 相同，求导结果也相同，
# 但除了输入之外不保留任何中间结果。
#
# - `fn` 按位置接收输入，返回**一个张量**。`inputs` 可以是张量，也可以是别的东西：一个数、`None`、布尔掩码、
#   不需要梯度的张量；这些参数原样传给 `fn`。至少有一个输入需要梯度。
# - 对每个需要梯度的输入，**值与梯度都和** `fn(*inputs)` **相同**，无论上游传来什么梯度。
#   可以连续使用多次，同一个张量也可以传多次（`checkpointed(attend, x, x, x)`）。
# - **只保留输入。** 调用返回之后，`fn` 途中产生的张量（输出除外）都不再被持有；反向传播时 `fn` 会再运行一遍，
#   梯度就是这第二遍的梯度。是否仍被持有，是在你自己的进程里观察的：它用来帮助你，并不能防住刻意隐藏的人。
# - `fn` **闭包引用的参数**（某一层的权重）在有人调用 `.backward()` 时也要得到梯度；对*这些参数*调用
#   `torch.autograd.grad` 不作要求。
# - **dropout 相同。** `fn` 可能会抽取随机数（来自 PyTorch 的 CPU 生成器，`torch.rand` 和 CPU 上的 dropout 都是如此），
#   前向与反向之间别处也可能抽取。第二次运行抽到的必须与第一次相同；运行之后，生成器的状态应当与没有检查点时一样。
# - 输出和梯度保持输入的 dtype 和设备；不得修改输入。
# - 不得使用 `torch.utils.checkpoint` 中的任何东西：请用 `torch.autograd` 实现。
#
# **手算一例。** fn(x) = (x²)³，x = 2。前向：a = x² = 4，输出 64。普通的自动求导要为平方保留 x，*还要*为立方保留 a；
# 用检查点只保留 x = 2。反向时上游传来 1：再算一遍得 a = 4，立方给出 3a² · 1 = 48，平方给出 2x · 48 = **192**。（验算：
# x⁶ 的导数是 6x⁵ = 192。）如果上游传来 0.5，结果是 96。
#
# **能省多少。** 一层注意力，bfloat16，批大小 1，16 个头，每头 64 维，4,096 个词元：
#
# | 为反向传播保留 | 普通 | 检查点 |
# |---|---|---|
# | q、k、v（3 × 4,096 × 1,024 个数） | 24 MiB | 24 MiB |
# | 权重（16 × 4,096 × 4,096 个数） | 512 MiB | – |
# | 前向计算次数 | 1 | 2 |

# %% tags=["demo"]
# What plain autograd keeps for one attention layer: every tensor that some derivative will ask for.
import torch

q, k, v = (torch.randn(50, 8, requires_grad=True) for _ in range(3))
kept = []
with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(tuple(t.shape)) or t, lambda t: t):
    torch.softmax(q @ k.T / 8**0.5, dim=-1) @ v
print("kept for the backward pass:", kept)

# %% tags=["given"]
import torch

# %% tags=["solution"]
def checkpointed(fn, *inputs):
    """What ``fn(*inputs)`` returns, keeping only the inputs for the backward pass, in which ``fn`` runs again.

    fn: takes the inputs by position and returns one tensor; it may close over parameters and draw random numbers.
    inputs: tensors (at least one requires a gradient) and anything else.
    """
    ### BEGIN SOLUTION
    class RunAgain(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            tensors = [x for x in inputs if isinstance(x, torch.Tensor)]
            ctx.save_for_backward(*tensors)
            ctx.others = [None if isinstance(x, torch.Tensor) else x for x in inputs]
            ctx.places = [i for i, x in enumerate(inputs) if isinstance(x, torch.Tensor)]
            ctx.rng = torch.get_rng_state()
            return fn(*inputs)

        @staticmethod
        def backward(ctx, grad):
            again = list(ctx.others)
            for i, x in zip(ctx.places, ctx.saved_tensors):
                again[i] = x.detach().requires_grad_(x.requires_grad)
            with torch.enable_grad(), torch.random.fork_rng(devices=[]):
                torch.set_rng_state(ctx.rng)
                output = fn(*again)
            torch.autograd.backward(output, grad)
            return tuple(x.grad if isinstance(x, torch.Tensor) else None for x in again)

    return RunAgain.apply(*inputs)
    ### END SOLUTION


# %% [markdown]
# Run the next cell as often as you like. Stuck? `hint("checkpointed_attention")` gives a little more each time.

# %% [markdown] lang="zh"
# 下面的单元可以反复运行。卡住了？`hint("checkpointed_attention")` 每次多给一点提示。

# %% tags=["check"]
from grader import check, hint

check(checkpointed)

# %% [markdown] tags=["follow-up"]
# **What the interviewer asks next**
#
# 1. A network of n equal layers: where do you put the checkpoints so that memory is O(√n) at the price of one more
#    forward pass?
#    > After every √n layers. Then only the √n inputs of these segments are kept, and in the backward pass one segment
#    > at a time is run again, with the activations of its √n layers. With segments of s layers that is n/s + s units,
#    > which is smallest at s = √n: for n = 100 it is 10 + 10 = 20 in place of 100 (Chen et al., 2016). Every layer runs
#    > forward twice, hence one more forward pass.
# 2. Your first layer reads token ids, which need no gradient. Why may the parameters inside `checkpointed` get no
#    gradient, and what is the remedy?
#    > The output of a `torch.autograd.Function` requires a gradient only if one of its *inputs* does, and parameters
#    > that `fn` closes over are not inputs. With ids alone the output has `requires_grad=False`, `backward` is never
#    > called, and the embedding is not trained; no error is raised. Remedies: leave the embedding outside the
#    > checkpoint, or pass one more input that requires a gradient and is not used (`torch.empty(0,
#    > requires_grad=True)`), or take PyTorch's checkpoint with `use_reentrant=False`, which does not have this limit.
# 3. Why does `torch.autograd.grad(loss, parameters)` not work through this kind of checkpoint?
#    > Because for the outer graph all of `fn` is one node, and its edges lead to the inputs only. The parameters do not
#    > occur in that graph, so PyTorch says that the tensor "appears to not have been used in the graph". Their
#    > gradients are made by the inner `backward` call, which adds them to `.grad` as a side effect. With
#    > `use_reentrant=False` it works, because there `fn` runs forward with gradients on and the graph is the real one.
# 4. On a GPU, which random states have to be kept? What else of the surroundings does the second run depend on?
#    > The generator of the CPU and that of every GPU on which `fn` draws. Besides, the second run depends on autocast,
#    > on `train()` or `eval()`, on the values of parameters and buffers, on the generators of Python and NumPy, and on
#    > anything global that `fn` reads. PyTorch's checkpoint restores the CPU's generator, those of the devices of its
#    > tensor arguments, and the autocast state. The rest is up to you.
# 5. FlashAttention recomputes too. What does it keep that a checkpoint around attention does not, and why is it faster?
#    > It also keeps the output and one number per row, the log-sum-exp of the scores, so that the backward pass gets a
#    > weight at once as exp(score − lse). It is faster because each tile of scores stays in the fast memory of the
#    > chip, while a checkpoint around plain attention writes the whole L × S matrix to GPU memory in both runs. Dao et
#    > al. (2022) report for the attention of GPT-2 medium (1,024 tokens, A100), against plain attention, more
#    > operations (75.2 against 66.6 GFLOPs), but less traffic with GPU memory (4.4 against 40.3 GB) and less time (7.3
#    > against 41.7 ms).
# 6. Batch norm inside `fn`: what happens to its running statistics?
#    > They are updated twice in each step, once by each run, with the same batch. With PyTorch's default momentum of
#    > 0.1 the running mean moves 1 − 0.9² = 19% of the way to the batch's mean in place of 10%. Output and gradients in
#    > training mode do not change, since batch norm then uses the batch's own statistics. `torch.utils.checkpoint` does
#    > the same in both of its modes (tried with PyTorch 2.13). Remedy: keep batch norm outside, set its momentum to 0
#    > during the second run, or use 1 − √0.9 ≈ 0.051, of which two updates make one.

# %% [markdown] tags=["follow-up"] lang="zh"
# **面试官接下来会问**
#
# 1. n 个相同的层：检查点放在哪里，才能用多一次前向计算的代价把显存降到 O(√n)？
#    > 每隔 √n 层放一个。这样只保留 √n 段各自的输入；反向传播时每次只重计算一段，同时存活的只有这一段里 √n 层的激活。
#    > 若每段 s 层，总共是 n/s + s 份，s = √n 时最小：n = 100 时是 10 + 10 = 20 份，而不是 100 份（Chen 等，2016）。
#    > 每一层都前向计算两次，所以代价是多一次前向计算。
# 2. 第一层读的是词元 id，不需要梯度。为什么 `checkpointed` 里面的参数可能得不到梯度？怎么补救？
#    > 只有当某个*输入*需要梯度时，`torch.autograd.Function` 的输出才需要梯度；`fn` 闭包引用的参数不算输入。
#    > 如果输入只有 id，输出的 `requires_grad` 就是 False，`backward` 根本不会被调用，嵌入层得不到训练，而且不报错。
#    > 补救办法：把嵌入层放在检查点之外；
#    > 或者多传一个需要梯度、但不使用的输入（`torch.empty(0, requires_grad=True)`）；
#    > 或者用 PyTorch 的 `use_reentrant=False`，它没有这个限制。
# 3. 为什么 `torch.autograd.grad(loss, parameters)` 无法穿过这种检查点？
#    > 因为在外层计算图里，整个 `fn` 只是一个节点，它的边只连到各个输入。参数不在这张图里，
#    > 所以 PyTorch 报错说该张量 “appears to not have been used in the graph”。
#    > 参数的梯度是内层的 `backward` 调用算出来的，作为副作用累加到 `.grad` 上。
#    > 换成 `use_reentrant=False` 就可以：前向时梯度是打开的，记录的就是真正的计算图。
# 4. 在 GPU 上要保存哪些随机状态？第二次运行还依赖周围的哪些状态？
#    > 要保存 CPU 的随机数生成器，以及 `fn` 用到的每块 GPU 的随机数生成器。除此之外，第二次运行还依赖：autocast 状态、
#    > `train()` 还是 `eval()`、参数和 buffer 的当前值、Python 和 NumPy 自己的随机数生成器，以及 `fn` 读取的任何全局状态。
#    > PyTorch 的检查点会恢复 CPU 的生成器、各张量参数所在设备的生成器，以及 autocast 状态；其余要自己负责。
# 5. FlashAttention 也做重计算。与包住注意力的检查点相比，它多保留了什么？为什么反而更快？
#    > 它还保留了输出，以及每行一个数：得分的 log-sum-exp。这样反向传播时，权重直接就是 exp(得分 − lse)。
#    > 它更快，是因为每一小块得分始终留在片上的快速存储里；
#    > 而包住普通注意力的检查点，两次运行都要把整个 L × S 矩阵写进显存。
#    > Dao 等（2022）在 A100 上、1,024 个词元、GPT-2 medium 的注意力上与普通实现对比：运算量更多（75.2 对 66.6 GFLOPs），
#    > 但显存读写更少（4.4 对 40.3 GB），时间也更短（7.3 对 41.7 ms）。
# 6. `fn` 里有批归一化：它的滑动均值和方差会怎样？
#    > 每一步会更新两次：两次运行各一次，用的是同一批数据。
#    > PyTorch 默认动量为 0.1，于是滑动均值朝这一批的均值移动了 1 − 0.9² = 19%，而不是 10%。
#    > 训练模式下的输出和梯度不受影响，因为这时用的是当前批的统计量。
#    > `torch.utils.checkpoint` 的两种模式都是如此（在 PyTorch 2.13 上试过）。
#    > 补救办法：把批归一化放在检查点之外；第二次运行时把动量设为 0；
#    > 或者把动量设为 1 − √0.9 ≈ 0.051，两次更新正好相当于一次。

# %% [markdown] tags=["hint"]
# You need an operation whose backward pass you write yourself: a `torch.autograd.Function`. Its `forward` runs with
# gradients off, so nothing inside is kept; its `backward` is where `fn` runs a second time.

# %% [markdown] tags=["hint"] lang="zh"
# 你需要一个由自己编写反向传播的操作：`torch.autograd.Function`。它的 `forward` 在关闭梯度的状态下运行，
# 所以里面什么都不会保留；它的 `backward` 就是让 `fn` 再跑一遍的地方。

# %% [markdown] tags=["hint"]
# In `backward` gradients are off as well: turn them on with `torch.enable_grad()`, and run `fn` on *detached* copies of
# the inputs that require a gradient of their own. Put the generator back to where it was (`torch.get_rng_state`,
# `torch.set_rng_state`). `torch.autograd.grad` reaches only what you name; which function reaches the parameters as
# well?

# %% [markdown] tags=["hint"] lang="zh"
# 在 `backward` 中梯度同样是关闭的：用 `torch.enable_grad()` 打开，并在输入的 *detach* 副本（它们自己要求梯度）上运行
# `fn`。把随机数生成器恢复到当时的状态（`torch.get_rng_state`、`torch.set_rng_state`）。
# `torch.autograd.grad` 只求你指定的那些张量的梯度；哪个函数能同时求出参数的梯度？

# %% [markdown] tags=["hint"]
# `forward`: `ctx.save_for_backward` the tensors, put the other arguments and the generator's state on `ctx`, return
# `fn(*inputs)`. `backward(ctx, grad)`: `x.detach().requires_grad_(x.requires_grad)` for every tensor, restore the
# generator inside `torch.random.fork_rng(devices=[])`, which gives its later state back at the end, run `fn` with
# gradients on, call `torch.autograd.backward(output, grad)`, and return one entry for each argument of `forward`:
# `x.grad` for a tensor, `None` for anything else (for `fn` too, if `forward` takes it).

# %% [markdown] tags=["hint"] lang="zh"
# `forward`：用 `ctx.save_for_backward` 保存张量，把其他参数和生成器的状态放到 `ctx` 上，返回 `fn(*inputs)`。
# `backward(ctx, grad)`：对每个张量取 `x.detach().requires_grad_(x.requires_grad)`，
# 在 `torch.random.fork_rng(devices=[])` 里恢复生成器（退出时它会还回靠后的状态），打开梯度再运行 `fn`，
# 调用 `torch.autograd.backward(output, grad)`，然后为 `forward` 的每个参数返回一项：张量返回 `x.grad`，其余返回 `None`
# （如果 `fn` 也是 `forward` 的参数，它那一项也是 `None`）。

# %% [markdown] tags=["discussion"]
# **Cost.** One more forward pass: since a backward pass costs about two forward passes, a step takes about 4/3 of the
# time where arithmetic is the limit. With n layers and a checkpoint around every √n of them, O(√n) activations are
# alive at once (Chen et al., 2016). While the backward pass of a layer runs, the weights of that layer exist again: a
# checkpoint does not lower the peak of a single layer, it lowers what n layers hold at the same time.
#
# **Traps.** (1) Gradients are off in `Function.backward`; without `enable_grad` the second run has no graph. (2)
# Without detaching, the inner backward pass runs on into the outer graph and gradients arrive twice. (3)
# `torch.autograd.grad` with respect to the inputs leaves closed-over parameters without a gradient; `backward`
# accumulates into them. (4) A fresh dropout mask in the second run gives the gradient of another function, and no error
# tells you so. Give the generator back its later state as well, as `fork_rng` does, or whatever comes next repeats old
# draws.
#
# **In real libraries** `torch.utils.checkpoint.checkpoint(fn, *inputs, use_reentrant=True)` is this function; it also
# keeps the accelerator's generators and the autocast state. `use_reentrant=False`, the recommended one, runs `fn` with
# gradients on and replaces what autograd saves by placeholders (`torch.autograd.graph.saved_tensors_hooks`) that are
# filled in by running again. It needs no input with a gradient, and works with `torch.autograd.grad`. Say which one you
# want: PyTorch 2.13 gives a warning where the argument is missing.
#
# **Today.** A fused attention kernel (FlashAttention, Dao et al., 2022) stores no L × S weights, so what a Transformer
# still checkpoints is the rest of the layer. Either whole layers are run again, or *selectively* what is cheap to
# compute and large to store: the attention core (Korthikanti et al., 2022), or the RMSNorms and the up-projections of
# the latent attention, as in DeepSeek-V3 (DeepSeek-AI, 2024). PyTorch has `create_selective_checkpoint_contexts` for
# this, and `torch.compile` decides for its own graphs what is kept and what is recomputed. The alternative is
# *offloading*: activations move to the host's memory until they are needed (`torch.autograd.graph.save_on_cpu`).

# %% [markdown] tags=["discussion"] lang="zh"
# **开销。** 多一次前向计算：反向传播大约相当于两次前向计算，所以在算力受限时，一步的时间约为原来的 4/3。
# n 层网络每 √n 层设一个检查点，则同时存活的激活为 O(√n)（Chen 等，2016）。某一层做反向传播时，这一层的权重会重新出现：
# 检查点并不降低单独一层的峰值，降低的是 n 层同时占用的总量。
#
# **陷阱。**（1）`Function.backward` 中梯度是关闭的；不用 `enable_grad`，第二次运行就没有计算图。
# （2）不 detach，内层反向传播会一直走进外层的图，梯度被累加两次。
# （3）对输入调用 `torch.autograd.grad`，闭包里的参数得不到梯度；`backward` 则会累积到它们上面。
# （4）第二次运行若用了新的 dropout 掩码，得到的是另一个函数的梯度，而且不会报错。
# 用完后还应当把生成器恢复到原来靠后的状态（`fork_rng` 就是这么做的），否则后面的代码会重复旧的随机数。
#
# **实际的库。** `torch.utils.checkpoint.checkpoint(fn, *inputs, use_reentrant=True)` 就是这个函数，
# 另外还保存加速器的生成器和 autocast 状态。官方推荐的 `use_reentrant=False` 在打开梯度的状态下运行 `fn`，
# 把自动求导要保存的张量换成占位符（`torch.autograd.graph.saved_tensors_hooks`），需要时再重计算并填上；
# 它不要求输入有梯度，也支持 `torch.autograd.grad`。请明确写出用哪一种：在 PyTorch 2.13 中不写这个参数会有警告。
#
# **如今。** 融合的注意力算子（FlashAttention，Dao 等，2022）不再保存 L × S 的权重，
# 所以 Transformer 里还需要设检查点的是层中其余的部分。要么整层重计算，
# 要么做*选择性*重计算：只重复算起来便宜、存起来大的部分，例如注意力核心（Korthikanti 等，2022），
# 或 DeepSeek-V3 中的 RMSNorm 和潜在注意力的升维投影（DeepSeek-AI，2024）。
# PyTorch 为此提供了 `create_selective_checkpoint_contexts`；`torch.compile` 会对自己的计算图决定哪些保留、哪些重计算。
# 另一条路是*卸载*（offloading）：把激活暂存到主机内存，用到时再取回（`torch.autograd.graph.save_on_cpu`）。
