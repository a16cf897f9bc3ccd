"""How the training recipe is graded: initialisation, learning rate, weight decay, clipping."""

from collections.abc import Iterator
from typing import Any

import torch

from grader.authoring import Case, Exercise, Inputs, Text, call, known, replace, rewrite


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
    """Inputs draws differ from one right solution to another: their range and spread do not."""
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


def cases(rand: Inputs) -> Iterator[Case]:
    like = torch.zeros(1)

    def initial(reason: str, kind: str, **kwargs: Any) -> Case:
        return Case(reason, call(like, kind), target="init_attention_", probe=initialised, fault=xavier, **kwargs)

    def rate(reason: str, *args: Any, **kwargs: Any) -> Case:
        return Case(reason, call(*args), target="warmup_lr", probe=learning_rates, **kwargs)

    def groups(reason: str, kind: str, weight_decay: float, **kwargs: Any) -> Case:
        return Case(
            reason,
            call(kind, weight_decay),
            family="state",
            target="parameter_groups",
            probe=grouped,
            fault=same_groups,
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
            reason, call(values, gradients, max_norm, **options), target="clip_by_global_norm_", probe=clipped, **kwargs
        )

    yield initial("initialisation: a model of several layers", "a model", public=True)
    yield initial("initialisation: a single nn.Linear without a bias", "one layer")
    yield initial("initialisation: float64 stays float64", "a model", dtype="float64", family="dtype")
    yield rate("learning rate: up, the peak, and down", [1, 2, 3, 4, 5, 9, 16, 100], 16, 4, public=True)
    yield rate("learning rate: another size, another warm-up", [1, 3, 7, 8, 20], 5, 7)
    yield rate("learning rate: a warm-up of one step", [1, 2, 10], 3, 1)
    for step in (0, -2):
        yield Case(
            f"learning rate: step {step}",
            call(step, 16, 4),
            family="interface",
            target="warmup_lr",
            raises="ValueError",
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

mistakes = known(
    xavier_normal=replace(XAVIER, "nn.init.xavier_normal_(part.weight)"),
    fan_in_only=[
        replace(XAVIER, "nn.init.kaiming_uniform_(part.weight)"),
        replace(XAVIER, "nn.init.kaiming_uniform_(part.weight, a=5**0.5)"),
        replace(XAVIER, 'nn.init.kaiming_uniform_(part.weight, nonlinearity="linear")'),
        replace(XAVIER, "nn.init.kaiming_normal_(part.weight)"),
        replace(XAVIER, "part.reset_parameters()"),
    ],
    wrong_bound=[
        *(replace(XAVIER, f"nn.init.xavier_uniform_(part.weight, gain={g})") for g in (2**0.5, 2**-0.5, 3**-0.5))
    ],
    small_normal_weights=replace(XAVIER, "nn.init.normal_(part.weight, std=0.02)"),
    biases_not_zero=[
        replace(ZEROS, "            pass"),
        replace("nn.init.zeros_(part.bias)", "nn.init.ones_(part.bias)"),
        replace("nn.init.zeros_(part.bias)", "nn.init.uniform_(part.bias, -0.1, 0.1)"),
        replace("nn.init.zeros_(part.bias)", "nn.init.normal_(part.bias)"),
    ],
    no_bias_crash=[
        replace(ZEROS, "            nn.init.zeros_(part.bias)"),
        replace(ZEROS, "            part.bias.data.zero_()"),
    ],
    direct_children_only=[replace("module.modules()", "module.children()"), rewrite(children_only, "init_attention_")],
    other_layers_changed=[
        rewrite(every_matrix, "init_attention_"),
        rewrite(every_matrix_but_no_norm, "init_attention_"),
        rewrite(every_matrix_alone, "init_attention_"),
        replace(
            "isinstance(part, nn.Linear)",
            "isinstance(part, (nn.Linear, nn.LayerNorm, nn.Embedding)) and part.weight.dim() > 1",
        ),
        replace(
            XAVIER,
            f"{XAVIER}\n        elif isinstance(part, nn.LayerNorm):\n            part.reset_parameters()\n           "
            " continue\n"
            "        if isinstance(part, nn.Linear):",
        ),
    ],
    parameters_replaced=replace(
        XAVIER, "part.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty_like(part.weight)))"
    ),
    warmup_inverted=[
        replace("min(", "max("),
        replace("min(step**-0.5, step * warmup_steps**-1.5)", "min(step**0.5, step**-1 * warmup_steps**1.5)"),
        replace("(step**-0.5, step * ", "(step**0.5, step**-1 * "),
    ],
    warmup_exponent=[
        replace("warmup_steps**-1.5", "warmup_steps**-0.5"),
        replace("warmup_steps**-1.5", "warmup_steps**-1"),
        replace("warmup_steps**-1.5", "warmup_steps**-2"),
        replace("step**-0.5", "step**-1"),
        replace("step**-0.5", "step**-1.5"),
        replace("step**-0.5", "step**0.5"),
        replace(("step**-0.5", "step**-1.5"), ("warmup_steps**-1.5", "warmup_steps**-0.5")),
    ],
    model_size_exponent=[
        replace("d_model**-0.5", "d_model**0.5"),
        replace("d_model**-0.5 * ", ""),
        replace("d_model**-0.5", "d_model**-1"),
        replace("d_model**-0.5", "d_model**-1.5"),
    ],
    no_decay_after_warmup=[
        replace("min(step**-0.5, step * warmup_steps**-1.5)", "step * warmup_steps**-1.5"),
        replace("min(step**-0.5, step * warmup_steps**-1.5)", "min(step, warmup_steps) * warmup_steps**-1.5"),
    ],
    no_warmup=[
        replace("min(step**-0.5, step * warmup_steps**-1.5)", "step**-0.5"),
        replace("min(step**-0.5, step * warmup_steps**-1.5)", "warmup_steps**-0.5"),
    ],
    peak_at_one=[
        replace(RATE, "min(step / warmup_steps, (warmup_steps / step) ** 0.5)"),
        replace(RATE, "d_model**-0.5 * min(step / warmup_steps, (warmup_steps / step) ** 0.5)"),
    ],
    steps_from_zero=[
        replace(RATE, "d_model**-0.5 * min((step + 1)**-0.5, (step + 1) * warmup_steps**-1.5)"),
        replace("step * warmup_steps**-1.5", "(step - 1) * warmup_steps**-1.5"),
    ],
    step_zero=[
        replace(CHECK, ""),
        replace("step < 1", "step < 0"),
        replace(CHECK, "    step = max(step, 1)\n"),
        replace(CHECK, "    if step < 1:\n        return 0.0\n"),
        replace(CHECK, "    if step == 0:\n        return 0.0\n"),
        replace(CHECK, "    if step == 0:\n        step = 1\n"),
        replace("step < 1", "step == 0"),
        replace("raise ValueError(", "raise IndexError("),
        replace(CHECK, "    assert step >= 1\n"),
        replace(
            (CHECK, ""),
            ("return d_model", "step = torch.tensor(float(step))\n    return d_model"),
            ("min(", "torch.minimum("),
        ),
    ],
    tied_matrix_decayed=[rewrite(first_holder, "parameter_groups"), rewrite(linear_wins, "parameter_groups")],
    told_by_names=[rewrite(by_names, "parameter_groups"), rewrite(by_norm_names, "parameter_groups")],
    shared_parameters_twice=[rewrite(layer_by_layer, "parameter_groups"), rewrite(every_name, "parameter_groups")],
    norms_decayed=[
        replace(EXEMPT, f"({EXEMPT}) and not {NORM_WEIGHT}"),
        replace(EXEMPT, f"({EXEMPT}) and not {IS_NORM}"),
        replace(EXEMPT, f"({EXEMPT}) and not ({NORM_WEIGHT} or id(parameter) in embeddings)"),
        replace(EXEMPT, f"({EXEMPT}) and not ({IS_NORM} or id(parameter) in embeddings)"),
    ],
    biases_decayed=[
        replace(EXEMPT, f"{NORM_WEIGHT} or id(parameter) in embeddings"),
        replace(EXEMPT, f"{IS_NORM} or id(parameter) in embeddings"),
        replace(EXEMPT, IS_NORM),
    ],
    embeddings_decayed=replace(EXEMPT, "parameter.dim() < 2"),
    nested_parameters_missing=rewrite(top_level_only, "parameter_groups"),
    groups_swapped=[
        replace("(rest if exempt else decayed)", "(decayed if exempt else rest)"),
        replace(
            'return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]',
            'return [{"params": rest, "weight_decay": 0.0}, {"params": decayed, "weight_decay": weight_decay}]',
        ),
    ],
    everything_decayed=[replace(EXEMPT, "False"), replace('"weight_decay": 0.0', '"weight_decay": weight_decay')],
    decay_not_given=[
        replace('{"params": decayed, "weight_decay": weight_decay}', '{"params": decayed}'),
        replace('{"params": rest, "weight_decay": 0.0}', '{"params": rest}'),
        replace(
            ('{"params": decayed, "weight_decay": weight_decay}', '{"params": decayed}'),
            ('{"params": rest, "weight_decay": 0.0}', '{"params": rest}'),
        ),
    ],
    gradients_not_scaled=rewrite(nothing_scaled, "clip_by_global_norm_"),
    per_tensor_clipping=[
        replace(CLIP, PER_TENSOR),
        replace(
            CLIP,
            "    for gradient in gradients:\n        gradient.mul_((max_norm / "
            "gradient.norm().clamp_min(1e-12)).clamp(max=1.0))",
        ),
        replace((CLIP, PER_TENSOR), ("return norm", "return max(gradient.norm() for gradient in gradients)")),
        replace(
            ("norm = sum", "norms = [gradient.norm() for gradient in gradients]\n    norm = sum"),
            (CLIP, PER_TENSOR),
            ("return norm", "return sum(norms)"),
        ),
        rewrite(tensor_by_tensor, "clip_by_global_norm_"),
    ],
    clips_below_threshold=[
        replace(CLIP, f"{ALWAYS}.mul_(max_norm / (norm + 1e-6))"),
        replace(CLIP, f"{ALWAYS}.mul_(max_norm / norm)"),
        replace(
            CLIP, "    if norm > 0:\n        for gradient in gradients:\n            gradient.mul_(max_norm / norm)"
        ),
        replace(
            CLIP,
            "    if norm < max_norm:\n        for gradient in gradients:\n            gradient.mul_(max_norm / (norm "
            "+ 1e-6))",
        ),
    ],
    clipped_by_value=replace(CLIP, f"{ALWAYS}.clamp_(-max_norm, max_norm)"),
    another_norm=[
        replace(NORM, "sum(gradient.norm() for gradient in gradients)"),
        replace(NORM, "sum(gradient.abs().sum() for gradient in gradients)"),
        replace(NORM, "max(gradient.abs().max() for gradient in gradients)"),
        replace(NORM, "max(gradient.norm() for gradient in gradients)"),
        replace(
            NORM, "(sum(gradient.square().sum() for gradient in gradients) / sum(g.numel() for g in gradients)) ** 0.5"
        ),
        replace(NORM, "sum(gradient.square().sum() for gradient in gradients)"),
        replace(NORM, "sum(gradient.norm() for gradient in gradients) / len(gradients)"),
    ],
    generator_exhausted=rewrite(read_twice, "clip_by_global_norm_"),
    norm_after_clipping=[
        rewrite(norm_after, "clip_by_global_norm_"),
        replace("return norm", "return norm.clamp(max=max_norm)"),
    ],
    no_norm_returned=[replace("    return norm\n", ""), replace("return norm", "return gradients")],
    missing_gradients_crash=replace(" if parameter.grad is not None]", "]"),
    zero_norm=[
        replace(CLIP, f"    norm = float(norm)\n{ALWAYS}.mul_(min(1.0, max_norm / norm))"),
        replace(CLIP, f"{ALWAYS}.mul_(max_norm / torch.maximum(norm, torch.tensor(max_norm)) * norm / norm)"),
        replace(CLIP, f"{ALWAYS}.div_(norm).mul_(torch.clamp(norm, max=max_norm))"),
    ],
    parameters_clipped=[
        rewrite(weights_clipped, "clip_by_global_norm_"),
        replace(
            "gradient.mul_(max_norm / norm)",
            "gradient.mul_(max_norm / norm)\n        for parameter in parameters:\n            "
            "parameter.data.mul_(max_norm / norm)",
        ),
    ],
)

exercise = Exercise(
    targets=("init_attention_", "warmup_lr", "parameter_groups", "clip_by_global_norm_"),
    cases=cases,
    mistakes=mistakes,
    oracles=(init_attention_, warmup_lr, parameter_groups, clip_by_global_norm_),
    forbidden=("clip_grad_norm_", "clip_grad_norm", "clip_grads_with_norm_", "clip_grad_value_"),
)
