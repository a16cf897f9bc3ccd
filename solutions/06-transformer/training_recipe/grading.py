"""How the training recipe is graded: initialisation, learning rate, weight decay, clipping."""

from collections.abc import Iterator
from typing import Any

import torch

from grader.authoring import Case, Exercise, Random, Text, edit, mistake, rewrite


def initialised(target, like, kind):
    from torch import nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(12, 5)
            self.norm = nn.LayerNorm(6)
            self.q_proj = nn.Linear(32, 96)
            self.layers = nn.ModuleList([nn.Sequential(nn.Linear(80, 40), nn.ReLU())])

    model = {"a model": Attention, "one layer": lambda: nn.Linear(32, 96, bias=False)}[kind]().to(like.dtype)
    for parameter in model.parameters():
        nn.init.constant_(parameter, 7.0)
    before = dict(model.named_parameters())
    target(model)
    after = dict(model.named_parameters())
    linear = [name for name, part in model.named_modules() if isinstance(part, nn.Linear)]
    own = {f"{name}.weight".lstrip(".") for name in linear}, {f"{name}.bias".lstrip(".") for name in linear}
    return {
        "weights": {name: tensor.detach() for name, tensor in after.items() if name in own[0]},
        "biases": {name: tensor.detach() for name, tensor in after.items() if name in own[1]},
        "others": {name: tensor.detach() for name, tensor in after.items() if name not in own[0] | own[1]},
        "replaced": [name for name in before if after.get(name) is not before[name] or not after[name].requires_grad],
        "recast": [name for name in after if after[name].dtype != like.dtype],
    }


def learning_rates(target, steps, d_model, warmup_steps):
    return {f"step {step}": float(target(step, d_model, warmup_steps)) for step in steps}


def grouped(target, kind, weight_decay):
    from torch import nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 6)
            self.q_proj = nn.Linear(6, 6)
            self.norm = nn.LayerNorm(6)
            self.head = nn.Linear(6, 5)

    class Tied(nn.Module):
        def __init__(self, head_first):
            super().__init__()
            if head_first:
                self.output = nn.Linear(6, 11)
            self.tokens = nn.Embedding(11, 6)
            self.body = nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6))
            if not head_first:
                self.output = nn.Linear(6, 11, bias=False)
            self.output.weight = self.tokens.weight

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(5, 5)
            self.second = nn.Linear(5, 5)
            self.second.weight = self.first.weight

    nameless = nn.Sequential(nn.Embedding(7, 4), nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 9), nn.Linear(9, 4)))
    model = {
        "model": Model,
        "nameless": lambda: nameless,
        "tied": lambda: Tied(False),
        "tied, head first": lambda: Tied(True),
        "shared": Shared,
    }[kind]()
    groups = list(target(model, weight_decay))
    if len(groups) != 2:
        raise TypeError("a list of two groups is asked for")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    listed = []
    for group in groups:
        # Optimisers take pairs of a name and a parameter as well.
        parameters = [item[1] if isinstance(item, tuple) else item for item in group["params"]]
        listed.append(sorted(names.get(id(parameter), "a foreign tensor") for parameter in parameters))
    return {"groups": listed, "weight_decay": [float(group["weight_decay"]) for group in groups]}


def clipped(target, values, gradients, max_norm, generator=False):
    from torch import nn

    parameters = [nn.Parameter(value.clone()) for value in values]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()
    norm = target((parameter for parameter in parameters) if generator else parameters, max_norm)
    return {
        "norm": float(norm),
        "gradients": [parameter.grad for parameter in parameters],
        "parameters": [parameter.detach() for parameter in parameters],
    }


def xavier(value: Any, expected: Any) -> Text | None:
    """Random draws differ from one right solution to another: their range and spread do not."""
    if value["recast"]:
        return Text("The parameters changed their dtype.", "参数的 dtype 被改变了。")
    if value["replaced"]:
        names = ", ".join(value["replaced"])
        return Text(
            f"{names}: replaced by another Parameter, or no longer trainable; change the tensor in place.",
            f"{names}：换成了别的 Parameter，或不再可训练；请原地修改张量。",
        )
    en, zh = [], []
    for name, weight in value["weights"].items():
        said = _spread(weight.double())
        if said:
            en.append(f"{name} {said.en}")
            zh.append(f"{name} {said.zh}")
    for name, bias in value["biases"].items():
        if bool((bias != 0).any()):
            en.append(f"{name} is not zero")
            zh.append(f"{name} 不为零")
    for name, other in value["others"].items():
        if bool((other != 7.0).any()):
            en.append(f"{name} belongs to no nn.Linear and should stay as it was")
            zh.append(f"{name} 不属于任何 nn.Linear，应保持原样")
    return Text("; ".join(en) + ".", "；".join(zh) + "。") if en else None


def _spread(weight: torch.Tensor) -> Text | None:
    bound = (6 / sum(weight.shape)) ** 0.5
    if bool((weight == 7.0).all()):
        return Text("was left as it was", "没有被初始化")
    ratio, largest = float(weight.std()) * 3**0.5 / bound, float(weight.abs().max())
    if not abs(ratio - 1) < 0.05:
        return Text(f"is spread about {ratio:.1f} times as wide as asked for", f"的分布宽度约为要求的 {ratio:.1f} 倍")
    if abs(float(weight.mean())) > 0.1 * bound:
        return Text("is not centred on zero", "的均值不是零")
    if not 0.95 * bound < largest < 1.001 * bound:
        return Text("has the right spread, but is not uniform on [−b, b]", "的方差正确，但不是 [−b, b] 上的均匀分布")
    return None


def same_groups(value: Any, expected: Any) -> Text | None:
    mine, right = value["groups"], expected["groups"]
    everything = right[0] + right[1]
    en, zh = [], []
    for name in [*everything, "a foreign tensor"]:
        count, asked = (mine[0] + mine[1]).count(name), int(name in everything)
        if count > asked:
            en.append(f"{name} is listed {count} times")
            zh.append(f"{name} 出现了 {count} 次")
        elif count < asked:
            en.append(f"{name} is in neither group")
            zh.append(f"{name} 不在任何组中")
        elif name in mine[0] and name in right[1]:
            en.append(f"{name} decays and should not")
            zh.append(f"{name} 不应衰减却衰减了")
        elif name in mine[1] and name in right[0]:
            en.append(f"{name} does not decay and should")
            zh.append(f"{name} 应当衰减却没有")
    if any(abs(a - b) > 1e-9 for a, b in zip(value["weight_decay"], expected["weight_decay"], strict=True)):
        en.append(f"the groups' weight_decay is {value['weight_decay']}, not {expected['weight_decay']}")
        zh.append(f"两组的 weight_decay 是 {value['weight_decay']}，应为 {expected['weight_decay']}")
    return Text("; ".join(en) + ".", "；".join(zh) + "。") if en else None


def cases(rand: Random) -> Iterator[Case]:
    like = torch.zeros(1)

    def initial(reason: str, kind: str, **kwargs: Any) -> Case:
        return Case(reason, (like, kind), target="init_attention_", drive=initialised, judge=xavier, **kwargs)

    def rate(reason: str, *args: Any, **kwargs: Any) -> Case:
        return Case(reason, args, target="warmup_lr", drive=learning_rates, **kwargs)

    def groups(reason: str, kind: str, weight_decay: float, **kwargs: Any) -> Case:
        return Case(
            reason,
            (kind, weight_decay),
            target="parameter_groups",
            drive=grouped,
            judge=same_groups,
            family="state",
            **kwargs,
        )

    def clip(reason: str, shapes: list[tuple[int, ...]], max_norm: float, *, std: float = 1.0, **kwargs: Any) -> Case:
        values = [rand.normal(*shape) for shape in shapes]
        gradients: list[Any] = [rand.normal(*shape, std=std) for shape in shapes]
        if kwargs.pop("some_missing", False):
            gradients[1] = None
        kwargs = {"family": "gradient", **kwargs}
        options = {"generator": kwargs.pop("generator", False)}
        return Case(
            reason, (values, gradients, max_norm), options, target="clip_by_global_norm_", drive=clipped, **kwargs
        )

    yield initial("initialisation: a model of several layers", "a model", public=True)
    yield initial("initialisation: a single nn.Linear without a bias", "one layer")
    yield initial("initialisation: float64 stays float64", "a model", dtype="float64", family="dtype")
    yield rate("learning rate: up, the peak, and down", [1, 2, 3, 4, 5, 9, 16, 100], 16, 4, public=True)
    yield rate("learning rate: another size, another warm-up", [1, 3, 7, 8, 20], 5, 7)
    yield rate("learning rate: a warm-up of one step", [1, 2, 10], 3, 1)
    for step in (0, -2):
        yield Case(
            f"learning rate: step {step}", (step, 16, 4), target="warmup_lr", raises="ValueError", family="interface"
        )
    yield groups("groups: embedding, projection, norm, head", "model", 0.1, public=True)
    yield groups("groups: layers that no name gives away", "nameless", 0.03)
    yield groups("groups: two layers share a matrix", "shared", 0.2)
    yield groups("groups: an output matrix tied to the embedding", "tied", 0.1)
    yield groups("groups: the tied output matrix comes first", "tied, head first", 0.1)
    yield clip("clipping: far above the threshold", [(3, 4), (5,), (2, 6)], 1.5, public=True)
    yield clip("clipping: below the threshold", [(3, 2), (4,)], 50.0)
    yield clip("clipping: every tensor below the threshold, all together above", [(2, 3), (7,), (4, 2)], 4.0)
    yield clip("clipping: parameters without a gradient", [(3, 2), (4,), (5,)], 1.0, some_missing=True)
    yield clip("clipping: parameters from a generator", [(4, 3), (2,)], 0.7, generator=True)
    yield clip("clipping: all gradients are zero", [(2, 3), (4,)], 1.0, std=0.0, family="numerics")
    yield clip("clipping: float64", [(3, 4), (6,)], 1.2, dtype="float64", family="dtype")
    yield clip("clipping: bfloat16", [(2, 3), (5,)], 1.0, dtype="bfloat16", family="dtype")


def init_attention_(module):
    """The oracle: bounds by hand, one kind of layer after another."""
    import torch

    for part in [module, *module.modules()]:
        if type(part) is torch.nn.Linear:
            fan_out, fan_in = part.weight.shape
            with torch.no_grad():
                part.weight.copy_((2 * torch.rand(fan_out, fan_in) - 1) * (6 / (fan_in + fan_out)) ** 0.5)
                for bias in [part.bias] if part.bias is not None else []:
                    bias.fill_(0)


def warmup_lr(step, d_model, warmup_steps):
    """The oracle: a ramp to the peak, then the decay."""
    import math

    if step <= 0:
        raise ValueError
    peak = 1 / math.sqrt(d_model * warmup_steps)
    return peak * step / warmup_steps if step <= warmup_steps else peak * math.sqrt(warmup_steps / step)


def parameter_groups(model, weight_decay):
    """The oracle: layer by layer, what is exempt first."""
    import torch

    exempt, decayed = {}, {}
    for part in model.modules():
        for name, parameter in part.named_parameters(recurse=False):
            if name == "bias" or isinstance(part, torch.nn.LayerNorm | torch.nn.Embedding):
                exempt[parameter] = name
    for parameter in model.parameters():
        if parameter not in exempt:
            decayed[parameter] = True
    return [{"params": list(decayed), "weight_decay": weight_decay}, {"params": list(exempt), "weight_decay": 0}]


def clip_by_global_norm_(parameters, max_norm):
    """The oracle: PyTorch's own."""
    import torch

    return torch.nn.utils.clip_grad_norm_(list(parameters), max_norm)


def children_only(module):
    for part in module.children():
        if isinstance(part, nn.Linear):  # noqa: F821
            nn.init.xavier_uniform_(part.weight)  # noqa: F821
            nn.init.zeros_(part.bias)  # noqa: F821


def every_matrix(module):
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)  # noqa: F821
        else:
            nn.init.zeros_(parameter)  # noqa: F821


def every_matrix_but_no_norm(module):
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)  # noqa: F821
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)  # noqa: F821


def every_matrix_alone(module):
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)  # noqa: F821


def by_names(model, weight_decay):
    exempt = ("bias", "norm", "embed")
    decayed = [p for name, p in model.named_parameters() if not any(word in name for word in exempt)]
    rest = [p for name, p in model.named_parameters() if any(word in name for word in exempt)]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def by_norm_names(model, weight_decay):
    embeddings = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}  # noqa: F821
    groups = [], []
    for name, parameter in model.named_parameters():
        groups["bias" in name or "norm" in name or id(parameter) in embeddings].append(parameter)
    return [{"params": groups[0], "weight_decay": weight_decay}, {"params": groups[1], "weight_decay": 0.0}]


def layer_by_layer(model, weight_decay):
    decayed, rest = [], []
    for part in model.modules():
        for name, parameter in part.named_parameters(recurse=False):
            exempt = name == "bias" or isinstance(part, nn.LayerNorm | nn.Embedding)  # noqa: F821
            (rest if exempt else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def every_name(model, weight_decay):
    embeddings = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}  # noqa: F821
    decayed, rest = [], []
    for _, parameter in model.named_parameters(remove_duplicate=False):
        (rest if parameter.dim() < 2 or id(parameter) in embeddings else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def first_holder(model, weight_decay):
    decayed, rest, seen = [], [], set()
    for part in model.modules():
        for parameter in part.parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                exempt = parameter.dim() < 2 or isinstance(part, nn.Embedding)  # noqa: F821
                (rest if exempt else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def linear_wins(model, weight_decay):
    decayed = {id(part.weight) for part in model.modules() if isinstance(part, nn.Linear)}  # noqa: F821
    groups = (
        [p for p in model.parameters() if id(p) in decayed],
        [p for p in model.parameters() if id(p) not in decayed],
    )
    return [{"params": groups[0], "weight_decay": weight_decay}, {"params": groups[1], "weight_decay": 0.0}]


def top_level_only(model, weight_decay):
    embeddings = {id(part.weight) for part in model.children() if isinstance(part, nn.Embedding)}  # noqa: F821
    decayed, rest, seen = [], [], set()
    for part in model.children():
        for parameter in part.parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                (rest if parameter.dim() < 2 or id(parameter) in embeddings else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def tensor_by_tensor(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        if gradient.norm() > max_norm:
            gradient.mul_(max_norm / gradient.norm())
    return 0.0


def weights_clipped(parameters, max_norm):
    parameters = list(parameters)
    norm = sum(parameter.detach().square().sum() for parameter in parameters) ** 0.5
    if norm > max_norm:
        for parameter in parameters:
            parameter.data.mul_(max_norm / norm)
    return norm


def read_twice(parameters, max_norm):
    norm = sum(p.grad.square().sum() for p in parameters if p.grad is not None) ** 0.5
    if norm > max_norm:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(max_norm / norm)
    return norm


def nothing_scaled(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sum(gradient.square().sum() for gradient in gradients) ** 0.5
    if norm > max_norm:
        gradients = [gradient * max_norm / norm for gradient in gradients]
    return norm


def norm_after(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sum(gradient.square().sum() for gradient in gradients) ** 0.5
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return sum(gradient.square().sum() for gradient in gradients) ** 0.5


XAVIER = "nn.init.xavier_uniform_(part.weight)"
ZEROS = """            if part.bias is not None:
                nn.init.zeros_(part.bias)"""
RATE = "d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)"
CHECK = """    if step < 1:
        raise ValueError(f"steps count from 1, not {step}")
"""
EXEMPT = "parameter.dim() < 2 or id(parameter) in embeddings"
IS_NORM = "any(parameter is p for m in model.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters())"
NORM_WEIGHT = "any(parameter is m.weight for m in model.modules() if isinstance(m, nn.LayerNorm))"
LINEAR_BIAS = "any(parameter is m.bias for m in model.modules() if isinstance(m, nn.Linear))"
IF_ABOVE = "    if norm > max_norm:\n        for gradient in gradients:\n            gradient"
ALWAYS = "    for gradient in gradients:\n        gradient"
NORM = "sum(gradient.square().sum() for gradient in gradients) ** 0.5"
PER_TENSOR = """    for gradient in gradients:
        own = gradient.norm()
        if own > max_norm:
            gradient.mul_(max_norm / own)"""
CLIP = f"{IF_ABOVE}.mul_(max_norm / norm)"

mistakes = (
    mistake(
        "xavier-normal",
        "numerics",
        edit(XAVIER, "nn.init.xavier_normal_(part.weight)"),
        en="The weights have Xavier's variance but a normal distribution: uniform on [−b, b], b = √(6/(in + out)), is "
        "asked for.",
        zh="权重的方差是 Xavier 的，但用的是正态分布；要求的是 [−b, b] 上的均匀分布，b = √(6/(in + out))。",
    ),
    mistake(
        "fan-in-only",
        "numerics",
        edit(XAVIER, "nn.init.kaiming_uniform_(part.weight)"),
        edit(XAVIER, "nn.init.kaiming_uniform_(part.weight, a=5**0.5)"),
        edit(XAVIER, 'nn.init.kaiming_uniform_(part.weight, nonlinearity="linear")'),
        edit(XAVIER, "nn.init.kaiming_normal_(part.weight)"),
        edit(XAVIER, "part.reset_parameters()"),
        en="The weights are spread by the number of inputs alone (He initialisation, or nn.Linear's default): Xavier "
        "uses "
        "inputs and outputs, b = √(6/(in + out)).",
        zh="权重的范围只取决于输入维度（He 初始化，或 nn.Linear 的默认初始化）；Xavier 同时用到输入和输出维度，b = "
        "√(6/(in + out))。",
    ),
    mistake(
        "wrong-bound",
        "numerics",
        *(edit(XAVIER, f"nn.init.xavier_uniform_(part.weight, gain={g})") for g in (2**0.5, 2**-0.5, 3**-0.5)),
        en="The weights are uniform, but the bound is off by a constant factor: b = √(6/(in + out)), with a gain of 1.",
        zh="权重是均匀分布，但边界差了一个常数倍：b = √(6/(in + out))，增益为 1。",
    ),
    mistake(
        "small-normal-weights",
        "numerics",
        edit(XAVIER, "nn.init.normal_(part.weight, std=0.02)"),
        en="The weights are normal with a fixed spread (0.02, as in GPT-2); Xavier-uniform is asked for, whose bound "
        "depends on the layer's size.",
        zh="权重用了固定标准差的正态分布（0.02，GPT-2 的做法）；要求的是 Xavier 均匀分布，其边界取决于层的大小。",
    ),
    mistake(
        "biases-not-zero",
        "numerics",
        edit(ZEROS, "            pass"),
        edit("nn.init.zeros_(part.bias)", "nn.init.ones_(part.bias)"),
        edit("nn.init.zeros_(part.bias)", "nn.init.uniform_(part.bias, -0.1, 0.1)"),
        edit("nn.init.zeros_(part.bias)", "nn.init.normal_(part.bias)"),
        en="The biases of the nn.Linear layers are not set to zero.",
        zh="nn.Linear 的偏置没有置零。",
    ),
    mistake(
        "no-bias-crash",
        "interface",
        edit(ZEROS, "            nn.init.zeros_(part.bias)"),
        edit(ZEROS, "            part.bias.data.zero_()"),
        en="A layer made with bias=False has bias None: ask `if part.bias is not None` before setting it to zero.",
        zh="bias=False 的层 bias 为 None：置零之前先判断 `if part.bias is not None`。",
    ),
    mistake(
        "direct-children-only",
        "state",
        edit("module.modules()", "module.children()"),
        rewrite(children_only, "init_attention_"),
        en="Only direct children are initialised: modules() also reaches layers that lie deeper, and the module "
        "itself.",
        zh="只初始化了直接子模块；modules() 还能到达更深的层以及模块本身。",
    ),
    mistake(
        "other-layers-changed",
        "state",
        rewrite(every_matrix, "init_attention_"),
        rewrite(every_matrix_but_no_norm, "init_attention_"),
        rewrite(every_matrix_alone, "init_attention_"),
        edit(
            "isinstance(part, nn.Linear)",
            "isinstance(part, (nn.Linear, nn.LayerNorm, nn.Embedding)) and part.weight.dim() > 1",
        ),
        edit(
            XAVIER,
            f"{XAVIER}\n        elif isinstance(part, nn.LayerNorm):\n            part.reset_parameters()\n           "
            " continue\n"
            "        if isinstance(part, nn.Linear):",
        ),
        en="Layers other than nn.Linear change too (embeddings, norms): only nn.Linear is to be initialised.",
        zh="nn.Linear 以外的层（嵌入、归一化）也被改了：只应初始化 nn.Linear。",
    ),
    mistake(
        "parameters-replaced",
        "state",
        edit(XAVIER, "part.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty_like(part.weight)))"),
        en="The weights are replaced by new Parameters: an optimiser or a tied layer would hold on to the old ones. "
        "Fill "
        "the tensor in place.",
        zh="权重被换成了新的 Parameter：优化器或共享权重的层仍会持有旧的。请原地填充张量。",
    ),
    mistake(
        "warmup-inverted",
        "numerics",
        edit("min(", "max("),
        edit("min(step**-0.5, step * warmup_steps**-1.5)", "min(step**0.5, step**-1 * warmup_steps**1.5)"),
        edit("(step**-0.5, step * ", "(step**0.5, step**-1 * "),
        en="The warm-up is the wrong way round: the rate rises to step = warmup_steps and falls after it, so it is the "
        "*smaller* of the two curves.",
        zh="预热反了：学习率应先升到 step = warmup_steps，再下降，因此取两条曲线中*较小*的那条。",
    ),
    mistake(
        "warmup-exponent",
        "numerics",
        edit("warmup_steps**-1.5", "warmup_steps**-0.5"),
        edit("warmup_steps**-1.5", "warmup_steps**-1"),
        edit("warmup_steps**-1.5", "warmup_steps**-2"),
        edit("step**-0.5", "step**-1"),
        edit("step**-0.5", "step**-1.5"),
        edit("step**-0.5", "step**0.5"),
        edit(("step**-0.5", "step**-1.5"), ("warmup_steps**-1.5", "warmup_steps**-0.5")),
        en="An exponent is wrong: the two curves are step^(−0.5) and step · warmup_steps^(−1.5), which meet at "
        "step = warmup_steps.",
        zh="指数不对：两条曲线是 step^(−0.5) 和 step · warmup_steps^(−1.5)，在 step = warmup_steps 处相交。",
    ),
    mistake(
        "model-size-exponent",
        "scaling",
        edit("d_model**-0.5", "d_model**0.5"),
        edit("d_model**-0.5 * ", ""),
        edit("d_model**-0.5", "d_model**-1"),
        edit("d_model**-0.5", "d_model**-1.5"),
        en="The factor of the model's size is wrong: it is d_model^(−0.5), so that larger models take smaller steps.",
        zh="模型维度的系数不对：应为 d_model^(−0.5)，模型越大步长越小。",
    ),
    mistake(
        "no-decay-after-warmup",
        "numerics",
        edit("min(step**-0.5, step * warmup_steps**-1.5)", "step * warmup_steps**-1.5"),
        edit("min(step**-0.5, step * warmup_steps**-1.5)", "min(step, warmup_steps) * warmup_steps**-1.5"),
        en="After the warm-up the rate never falls: from step = warmup_steps on it is proportional to step^(−0.5).",
        zh="预热之后学习率不再下降：从 step = warmup_steps 起应与 step^(−0.5) 成正比。",
    ),
    mistake(
        "no-warmup",
        "numerics",
        edit("min(step**-0.5, step * warmup_steps**-1.5)", "step**-0.5"),
        edit("min(step**-0.5, step * warmup_steps**-1.5)", "warmup_steps**-0.5"),
        en="There is no warm-up: the rate starts at its largest value. Until step = warmup_steps it rises in a "
        "straight line.",
        zh="没有预热：学习率一开始就最大。在 step = warmup_steps 之前应线性上升。",
    ),
    mistake(
        "peak-at-one",
        "scaling",
        edit(RATE, "min(step / warmup_steps, (warmup_steps / step) ** 0.5)"),
        edit(RATE, "d_model**-0.5 * min(step / warmup_steps, (warmup_steps / step) ** 0.5)"),
        en="The shape is right, the height is not: at its peak the rate is d_model^(−0.5) · warmup_steps^(−0.5).",
        zh="形状对了，高度不对：峰值应为 d_model^(−0.5) · warmup_steps^(−0.5)。",
    ),
    mistake(
        "steps-from-zero",
        "numerics",
        edit(RATE, "d_model**-0.5 * min((step + 1)**-0.5, (step + 1) * warmup_steps**-1.5)"),
        edit("step * warmup_steps**-1.5", "(step - 1) * warmup_steps**-1.5"),
        en="The steps are counted from 0: the first step is step = 1, and the formula takes it as it is.",
        zh="步数从 0 开始数了：第一步就是 step = 1，公式直接使用它。",
    ),
    mistake(
        "step-zero",
        "interface",
        edit(CHECK, ""),
        edit("step < 1", "step < 0"),
        edit(CHECK, "    step = max(step, 1)\n"),
        edit(CHECK, "    if step < 1:\n        return 0.0\n"),
        edit(CHECK, "    if step == 0:\n        return 0.0\n"),
        edit(CHECK, "    if step == 0:\n        step = 1\n"),
        edit("step < 1", "step == 0"),
        edit("raise ValueError(", "raise IndexError("),
        edit(CHECK, "    assert step >= 1\n"),
        edit(
            (CHECK, ""),
            ("return d_model", "step = torch.tensor(float(step))\n    return d_model"),
            ("min(", "torch.minimum("),
        ),
        en="There is no step 0: step^(−0.5) would divide by zero. A step below 1 raises ValueError.",
        zh="没有第 0 步：step^(−0.5) 会除以零。step 小于 1 时应抛出 ValueError。",
    ),
    mistake(
        "tied-matrix-decayed",
        "state",
        rewrite(first_holder, "parameter_groups"),
        rewrite(linear_wins, "parameter_groups"),
        en="An output matrix tied to the embedding decays: it *is* the embedding, whichever layer comes first. Compare "
        "parameters by identity.",
        zh="与嵌入共享的输出矩阵被衰减了：它*就是*嵌入，与哪一层先出现无关。请按对象身份比较参数。",
    ),
    mistake(
        "told-by-names",
        "state",
        rewrite(by_names, "parameter_groups"),
        rewrite(by_norm_names, "parameter_groups"),
        en="Layers are told by their names: a norm or an embedding called anything else is missed. Ask for the type "
        "of the "
        "layer, or the number of axes.",
        zh="按名字区分层：名字不同的归一化层或嵌入层会被漏掉。应看层的类型，或参数的维度数。",
    ),
    mistake(
        "shared-parameters-twice",
        "state",
        rewrite(layer_by_layer, "parameter_groups"),
        rewrite(every_name, "parameter_groups"),
        en="A parameter that two layers share is listed twice, and would be updated twice: model.parameters() gives "
        "each once.",
        zh="被两层共享的参数列了两次，会被更新两次：model.parameters() 对每个参数只给出一次。",
    ),
    mistake(
        "norms-decayed",
        "state",
        edit(EXEMPT, f"({EXEMPT}) and not {NORM_WEIGHT}"),
        edit(EXEMPT, f"({EXEMPT}) and not {IS_NORM}"),
        edit(EXEMPT, f"({EXEMPT}) and not ({NORM_WEIGHT} or id(parameter) in embeddings)"),
        edit(EXEMPT, f"({EXEMPT}) and not ({IS_NORM} or id(parameter) in embeddings)"),
        en="The weights of norms decay: a LayerNorm's gain belongs to the group without decay, like the biases.",
        zh="归一化层的权重被衰减了：LayerNorm 的增益应与偏置一样放在不衰减的组里。",
    ),
    mistake(
        "biases-decayed",
        "state",
        edit(EXEMPT, f"{NORM_WEIGHT} or id(parameter) in embeddings"),
        edit(EXEMPT, f"{IS_NORM} or id(parameter) in embeddings"),
        edit(EXEMPT, IS_NORM),
        en="The biases decay: they belong to the group without decay.",
        zh="偏置被衰减了：它们应放在不衰减的组里。",
    ),
    mistake(
        "embeddings-decayed",
        "state",
        edit(EXEMPT, "parameter.dim() < 2"),
        en="The embeddings decay: having two axes does not make a matrix of them. They belong to the group without "
        "decay.",
        zh="嵌入被衰减了：有两个维度并不意味着它是普通的权重矩阵。它应放在不衰减的组里。",
    ),
    mistake(
        "nested-parameters-missing",
        "state",
        rewrite(top_level_only, "parameter_groups"),
        en="Parameters of nested layers are in neither group, and would never be trained: model.parameters() reaches "
        "them all.",
        zh="嵌套层的参数不在任何组里，永远不会被训练：model.parameters() 能取到所有参数。",
    ),
    mistake(
        "groups-swapped",
        "state",
        edit("(rest if exempt else decayed)", "(decayed if exempt else rest)"),
        edit(
            'return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]',
            'return [{"params": rest, "weight_decay": 0.0}, {"params": decayed, "weight_decay": weight_decay}]',
        ),
        en="The two groups are swapped: first what decays, then what does not.",
        zh="两个组的顺序反了：先是衰减的，再是不衰减的。",
    ),
    mistake(
        "everything-decayed",
        "state",
        edit(EXEMPT, "False"),
        edit('"weight_decay": 0.0', '"weight_decay": weight_decay'),
        en="Everything decays: biases, norms and embeddings belong to a second group whose weight_decay is 0.",
        zh="所有参数都衰减了：偏置、归一化层和嵌入应放在第二组，其 weight_decay 为 0。",
    ),
    mistake(
        "decay-not-given",
        "interface",
        edit('{"params": decayed, "weight_decay": weight_decay}', '{"params": decayed}'),
        edit('{"params": rest, "weight_decay": 0.0}', '{"params": rest}'),
        edit(
            ('{"params": decayed, "weight_decay": weight_decay}', '{"params": decayed}'),
            ('{"params": rest, "weight_decay": 0.0}', '{"params": rest}'),
        ),
        en='A group has no "weight_decay" of its own, so that the optimiser would use its default: give both groups '
        'theirs.',
        zh='有的组没有自己的 "weight_decay"，优化器会使用默认值：两个组都要给出。',
    ),
    mistake(
        "gradients-not-scaled",
        "gradient",
        rewrite(nothing_scaled, "clip_by_global_norm_"),
        en="The gradients that the optimiser sees are unchanged: the scaled ones are new tensors that nobody uses. "
        "Scale "
        "p.grad in place.",
        zh="优化器看到的梯度没有变：缩放后的是没人使用的新张量。请原地缩放 p.grad。",
    ),
    mistake(
        "per-tensor-clipping",
        "gradient",
        edit(CLIP, PER_TENSOR),
        edit(
            CLIP,
            "    for gradient in gradients:\n        gradient.mul_((max_norm / "
            "gradient.norm().clamp_min(1e-12)).clamp(max=1.0))",
        ),
        edit((CLIP, PER_TENSOR), ("return norm", "return max(gradient.norm() for gradient in gradients)")),
        edit(
            ("norm = sum", "norms = [gradient.norm() for gradient in gradients]\n    norm = sum"),
            (CLIP, PER_TENSOR),
            ("return norm", "return sum(norms)"),
        ),
        rewrite(tensor_by_tensor, "clip_by_global_norm_"),
        en="Every gradient is clipped by its own norm, which turns the step into another direction: take one norm "
        "over all "
        "of them, and scale all by the same factor.",
        zh="每个梯度按自己的范数裁剪，这会改变更新的方向：应对所有梯度求一个总范数，再用同一个系数缩放。",
    ),
    mistake(
        "clips-below-threshold",
        "gradient",
        edit(CLIP, f"{ALWAYS}.mul_(max_norm / (norm + 1e-6))"),
        edit(CLIP, f"{ALWAYS}.mul_(max_norm / norm)"),
        edit(CLIP, "    if norm > 0:\n        for gradient in gradients:\n            gradient.mul_(max_norm / norm)"),
        edit(
            CLIP,
            "    if norm < max_norm:\n        for gradient in gradients:\n            gradient.mul_(max_norm / (norm "
            "+ 1e-6))",
        ),
        en="Gradients below the threshold are scaled too, up to max_norm: they should stay as they are. The factor is "
        "at "
        "most 1.",
        zh="低于阈值的梯度也被缩放（放大到 max_norm）：它们应保持不变，系数至多为 1。",
    ),
    mistake(
        "clipped-by-value",
        "gradient",
        edit(CLIP, f"{ALWAYS}.clamp_(-max_norm, max_norm)"),
        en="Single entries are clipped to ±max_norm: scale whole gradients, by one factor, so that their norm is "
        "max_norm.",
        zh="逐个元素裁剪到 ±max_norm：应当用同一个系数缩放整个梯度，使其范数等于 max_norm。",
    ),
    mistake(
        "another-norm",
        "numerics",
        edit(NORM, "sum(gradient.norm() for gradient in gradients)"),
        edit(NORM, "sum(gradient.abs().sum() for gradient in gradients)"),
        edit(NORM, "max(gradient.abs().max() for gradient in gradients)"),
        edit(NORM, "max(gradient.norm() for gradient in gradients)"),
        edit(
            NORM, "(sum(gradient.square().sum() for gradient in gradients) / sum(g.numel() for g in gradients)) ** 0.5"
        ),
        edit(NORM, "sum(gradient.square().sum() for gradient in gradients)"),
        edit(NORM, "sum(gradient.norm() for gradient in gradients) / len(gradients)"),
        en="The norm is not the Euclidean norm of all gradients together: the square root of the sum of all squared "
        "entries.",
        zh="范数不是全部梯度合在一起的欧几里得范数：应为所有元素平方和的平方根。",
    ),
    mistake(
        "generator-exhausted",
        "gradient",
        rewrite(read_twice, "clip_by_global_norm_"),
        en="With model.parameters() nothing is clipped: a generator is empty the second time it is read. Make a list "
        "first.",
        zh="传入 model.parameters() 时没有任何裁剪：生成器读第二遍时已经空了。请先转成列表。",
    ),
    mistake(
        "norm-after-clipping",
        "numerics",
        rewrite(norm_after, "clip_by_global_norm_"),
        edit("return norm", "return norm.clamp(max=max_norm)"),
        en="The norm that comes back is the one after clipping: return the norm before, it is what one plots.",
        zh="返回的是裁剪之后的范数：应返回裁剪之前的，那才是要画在曲线上的。",
    ),
    mistake(
        "no-norm-returned",
        "interface",
        edit("    return norm\n", ""),
        edit("return norm", "return gradients"),
        en="clip_by_global_norm_ does not return the norm: a float or a 0-d tensor is asked for.",
        zh="clip_by_global_norm_ 没有返回范数：要求返回 float 或 0 维张量。",
    ),
    mistake(
        "missing-gradients-crash",
        "interface",
        edit(" if parameter.grad is not None]", "]"),
        en="A parameter that took no part in the loss has no gradient (grad is None): skip it.",
        zh="没有参与损失计算的参数没有梯度（grad 为 None）：应跳过。",
    ),
    mistake(
        "zero-norm",
        "numerics",
        edit(CLIP, f"    norm = float(norm)\n{ALWAYS}.mul_(min(1.0, max_norm / norm))"),
        edit(CLIP, f"{ALWAYS}.mul_(max_norm / torch.maximum(norm, torch.tensor(max_norm)) * norm / norm)"),
        edit(CLIP, f"{ALWAYS}.div_(norm).mul_(torch.clamp(norm, max=max_norm))"),
        en="Where all gradients are zero, you divide by a norm of zero: then there is nothing to clip.",
        zh="梯度全为零时除以了零范数：这时没有什么需要裁剪。",
    ),
    mistake(
        "parameters-clipped",
        "state",
        rewrite(weights_clipped, "clip_by_global_norm_"),
        edit(
            "gradient.mul_(max_norm / norm)",
            "gradient.mul_(max_norm / norm)\n        for parameter in parameters:\n            "
            "parameter.data.mul_(max_norm / norm)",
        ),
        en="The parameters themselves are scaled: clipping is for their gradients, p.grad.",
        zh="被缩放的是参数本身：要裁剪的是它们的梯度 p.grad。",
    ),
)

exercise = Exercise(
    targets=("init_attention_", "warmup_lr", "parameter_groups", "clip_by_global_norm_"),
    cases=cases,
    mistakes=mistakes,
    oracles=(init_attention_, warmup_lr, parameter_groups, clip_by_global_norm_),
    forbidden=("clip_grad_norm_", "clip_grad_norm", "clip_grads_with_norm_", "clip_grad_value_"),
)
