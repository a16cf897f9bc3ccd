"""How the training recipe is graded: initialisation, learning rate, weight decay, clipping."""

from collections.abc import Iterator
from functools import partial

import torch
from shared import instead_of, together_or_alone
from torch import nn
from training_probes import (
    clipped,
    grouped,
    initialised,
    learning_rates,
    names_in_groups,
    same_groups,
    what_became,
    xavier,
)

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    initial = partial(Case, target="init_attention_", probe=initialised, summary=what_became, fault=xavier)
    rate = partial(Case, target="warmup_lr", probe=learning_rates)
    groups = partial(
        Case, family="state", target="parameter_groups", probe=grouped, summary=names_in_groups, fault=same_groups
    )

    def clip(reason, shapes, max_norm, std=1.0, some_missing=False, generator=False, family="gradient", **options):
        values = [rand.normal(*shape) for shape in shapes]
        gradients = [rand.normal(*shape, std=std) for shape in shapes]
        if some_missing:
            gradients[1] = None
        called = call(values, gradients, max_norm, generator=generator)
        return Case(reason, called, family, target="clip_by_global_norm_", probe=clipped, **options)

    like = torch.zeros(1)  # has the dtype of the case, which the model gets
    yield initial("initialisation: a model of several layers", call(like, "a model"), public=True)
    yield initial("initialisation: a single nn.Linear without a bias", call(like, "one layer"))
    yield initial("initialisation: float64 stays float64", call(like, "a model"), dtype="float64", family="dtype")
    yield rate("learning rate: up, the peak, and down", call([1, 2, 3, 4, 5, 9, 16, 100], 16, 4), public=True)
    yield rate("learning rate: another size, another warm-up", call([1, 3, 7, 8, 20], 5, 7))
    yield rate("learning rate: a warm-up of one step", call([1, 2, 10], 3, 1))
    for step in (0, -2):
        refused = call(step, 16, 4)
        yield Case(f"learning rate: step {step}", refused, "interface", target="warmup_lr", raises="ValueError")
    yield groups("groups: embedding, projection, norm, head", call("model", 0.1), public=True)
    yield groups("groups: layers that no name gives away", call("nameless", 0.03))
    yield groups("groups: two layers share a matrix", call("shared", 0.2))
    yield groups("groups: an output matrix tied to the embedding", call("tied", 0.1))
    yield groups("groups: the tied output matrix comes first", call("tied, head first", 0.1))
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
    for part in [module, *module.modules()]:
        if type(part) is nn.Linear:
            fan_out, fan_in = part.weight.shape
            with torch.no_grad():
                part.weight.copy_((2 * torch.rand(fan_out, fan_in) - 1) * (6 / (fan_in + fan_out)) ** 0.5)
                for bias in [part.bias] if part.bias is not None else []:
                    bias.fill_(0)


def warmup_lr(step, d_model, warmup_steps):
    """The oracle: a ramp to the peak, then the decay."""
    if step <= 0:
        raise ValueError
    peak = (d_model * warmup_steps) ** -0.5
    return peak * step / warmup_steps if step <= warmup_steps else peak * (warmup_steps / step) ** 0.5


def parameter_groups(model, weight_decay):
    """The oracle: layer by layer, what is exempt first."""
    exempt, decayed = {}, {}
    for part in model.modules():
        for name, parameter in part.named_parameters(recurse=False):
            if name == "bias" or isinstance(part, nn.LayerNorm | nn.Embedding):
                exempt[parameter] = name
    for parameter in model.parameters():
        if parameter not in exempt:
            decayed[parameter] = True
    return [{"params": list(decayed), "weight_decay": weight_decay}, {"params": list(exempt), "weight_decay": 0}]


def clip_by_global_norm_(parameters, max_norm):
    """The oracle: PyTorch's own."""
    return torch.nn.utils.clip_grad_norm_(list(parameters), max_norm)


XAVIER, ZERO = "nn.init.xavier_uniform_(part.weight)", "nn.init.zeros_(part.bias)"
IF_LINEAR, IF_BIAS = "if isinstance(part, nn.Linear)", "if part.bias is not None"
NO_IF, CHILDREN = (IF_BIAS, "if True"), ("module.modules()", "module.children()")
RESET_NORMS = "if isinstance(part, nn.LayerNorm): part.reset_parameters()"
INITIALISE = f"""    for part in module.modules():
        {IF_LINEAR}:
            {XAVIER}
            {IF_BIAS}:
                {ZERO}"""
BY_AXES = """    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
        elif {}:
            nn.init.zeros_(parameter)"""

SMALLER = "min(step**-0.5, step * warmup_steps**-1.5)"
RATE = f"d_model**-0.5 * {SMALLER}"
PEAK_AT_ONE = "min(step / warmup_steps, (warmup_steps / step) ** 0.5)"
CHECK = """if step < 1:
        raise ValueError(f"steps count from 1, not {step}")"""

IS_EMBEDDING = "id(parameter) in embeddings"
EXEMPT = f"parameter.dim() < 2 or {IS_EMBEDDING}"
IS_NORM = "any(parameter is p for m in model.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters())"
NORM_WEIGHT = "any(parameter is m.weight for m in model.modules() if isinstance(m, nn.LayerNorm))"
FIRST_HOLDER = "next(m for m in model.modules() if id(parameter) in map(id, m.parameters(recurse=False)))"
LINEAR_WEIGHTS = "[id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)]"
EACH = "for parameter in model.parameters()"
EACH_NAME = "for name, parameter in model.named_parameters()"
EACH_LAYERS = "for m, name, parameter in ((m, *p) for m in model.modules() for p in m.named_parameters(recurse=False))"
EACH_CHILDS = "for parameter in {p for m in model.children() for p in m.parameters(recurse=False)}"
DECAYED, REST = '{"params": decayed, "weight_decay": weight_decay}', '{"params": rest, "weight_decay": 0.0}'
NO_DECAY = (DECAYED, '{"params": decayed}')
NO_ZERO = (REST, '{"params": rest}')

GRADIENTS = "[parameter.grad for parameter in parameters if parameter.grad is not None]"
NORM = "sum(gradient.square().sum() for gradient in gradients) ** 0.5"
SUM_OF_NORMS = "sum(gradient.norm() for gradient in gradients)"
LARGEST_NORM = "max(gradient.norm() for gradient in gradients)"
IF_ABOVE, SCALE, RETURN = "if norm > max_norm", "gradient.mul_(max_norm / norm)", "return norm"
ALWAYS = (IF_ABOVE, "if True")
SCALE_SAFELY = (SCALE, "gradient.mul_(max_norm / (norm + 1e-6))")
SCALE_PARAMETERS = """        for parameter in parameters:
            parameter.data.mul_(max_norm / norm)"""
PER_TENSOR = ALWAYS, (SCALE, "gradient.mul_(max_norm / gradient.norm() if gradient.norm() > max_norm else 1.0)")


mistakes = known(
    xavier_normal=replace(XAVIER, "nn.init.xavier_normal_(part.weight)"),
    fan_in_only=instead_of(
        XAVIER,
        "nn.init.kaiming_uniform_(part.weight)",
        "nn.init.kaiming_uniform_(part.weight, a=5**0.5)",
        'nn.init.kaiming_uniform_(part.weight, nonlinearity="linear")',
        "nn.init.kaiming_normal_(part.weight)",
        "part.reset_parameters()",
    ),
    wrong_bound=[
        replace(XAVIER, f"nn.init.xavier_uniform_(part.weight, gain={gain})") for gain in (2**0.5, 2**-0.5, 3**-0.5)
    ],
    small_normal_weights=replace(XAVIER, "nn.init.normal_(part.weight, std=0.02)"),
    biases_not_zero=instead_of(
        ZERO, "pass", "nn.init.ones_(part.bias)", "nn.init.uniform_(part.bias, -0.1, 0.1)", "nn.init.normal_(part.bias)"
    ),
    no_bias_crash=[replace(*NO_IF), replace(NO_IF, (ZERO, "part.bias.data.zero_()"))],
    direct_children_only=[replace(*CHILDREN), replace(CHILDREN, NO_IF)],
    other_layers_changed=[
        *instead_of(INITIALISE, *(BY_AXES.format(zeroed) for zeroed in ("True", 'name.endswith("bias")', "False"))),
        replace(IF_LINEAR, "if isinstance(part, (nn.Linear, nn.LayerNorm, nn.Embedding)) and part.weight.dim() > 1"),
        replace(IF_LINEAR, f"{RESET_NORMS}\n        {IF_LINEAR}"),
    ],
    parameters_replaced=replace(
        XAVIER, "part.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty_like(part.weight)))"
    ),
    warmup_inverted=[
        replace("min(", "max("),
        *instead_of(SMALLER, *(f"min(step**0.5, step**-1 * warmup_steps**{exponent})" for exponent in (1.5, -1.5))),
    ],
    warmup_exponent=[
        *(replace("warmup_steps**-1.5", f"warmup_steps**{exponent}") for exponent in (-0.5, -1, -2)),
        *(replace("step**-0.5", f"step**{exponent}") for exponent in (-1, -1.5, 0.5)),
        replace(("step**-0.5", "step**-1.5"), ("warmup_steps**-1.5", "warmup_steps**-0.5")),
    ],
    model_size_exponent=[replace("d_model**-0.5", f"d_model**{exponent}") for exponent in (0.5, 0, -1, -1.5)],
    no_decay_after_warmup=instead_of(
        SMALLER, "step * warmup_steps**-1.5", "min(step, warmup_steps) * warmup_steps**-1.5"
    ),
    no_warmup=instead_of(SMALLER, "step**-0.5", "warmup_steps**-0.5"),
    peak_at_one=[replace(RATE, PEAK_AT_ONE), replace(SMALLER, PEAK_AT_ONE)],
    steps_from_zero=instead_of(
        SMALLER,
        "min((step + 1)**-0.5, (step + 1) * warmup_steps**-1.5)",
        "min(step**-0.5, (step - 1) * warmup_steps**-1.5)",
    ),
    step_zero=[
        *instead_of(CHECK, "pass", "step = max(step, 1)", "assert step >= 1"),
        *instead_of(CHECK, "if step < 1: return 0.0", "if step == 0: return 0.0", "if step == 0: step = 1"),
        *instead_of("step < 1", "step < 0", "step == 0"),
        replace("raise ValueError(", "raise IndexError("),
        replace((CHECK, "step = torch.tensor(float(step))"), ("min(", "torch.minimum(")),
    ],
    tied_matrix_decayed=[
        replace(IS_EMBEDDING, f"isinstance({FIRST_HOLDER}, nn.Embedding)"),
        replace(EXEMPT, f"id(parameter) not in {LINEAR_WEIGHTS}"),
    ],
    told_by_names=[
        replace((EACH, EACH_NAME), (EXEMPT, 'any(word in name for word in ("bias", "norm", "embed"))')),
        replace((EACH, EACH_NAME), ("parameter.dim() < 2", '"bias" in name or "norm" in name')),
    ],
    shared_parameters_twice=[
        replace((EACH, EACH_LAYERS), (EXEMPT, 'name == "bias" or isinstance(m, nn.LayerNorm | nn.Embedding)')),
        replace(EACH, "for _, parameter in model.named_parameters(remove_duplicate=False)"),
    ],
    norms_decayed=[
        replace(EXEMPT, f"({EXEMPT}) and not {decayed}")
        for norm in (NORM_WEIGHT, IS_NORM)
        for decayed in (norm, f"({norm} or {IS_EMBEDDING})")
    ],
    biases_decayed=instead_of(EXEMPT, f"{NORM_WEIGHT} or {IS_EMBEDDING}", f"{IS_NORM} or {IS_EMBEDDING}", IS_NORM),
    embeddings_decayed=replace(EXEMPT, "parameter.dim() < 2"),
    nested_parameters_missing=replace(("model.modules()", "model.children()"), (EACH, EACH_CHILDS)),
    groups_swapped=[
        replace("(rest if exempt else decayed)", "(decayed if exempt else rest)"),
        replace(f"[{DECAYED}, {REST}]", f"[{REST}, {DECAYED}]"),
    ],
    everything_decayed=[replace(EXEMPT, "False"), replace('"weight_decay": 0.0', '"weight_decay": weight_decay')],
    decay_not_given=together_or_alone(NO_DECAY, NO_ZERO),
    gradients_not_scaled=replace(SCALE, "gradient = gradient * max_norm / norm"),
    per_tensor_clipping=[
        replace(*PER_TENSOR),
        replace(ALWAYS, (SCALE, "gradient.mul_((max_norm / gradient.norm().clamp_min(1e-12)).clamp(max=1.0))")),
        replace(*PER_TENSOR, (RETURN, f"return {LARGEST_NORM}")),
        replace(*PER_TENSOR, (NORM, SUM_OF_NORMS)),
        replace(*PER_TENSOR, (RETURN, "return 0.0")),
    ],
    clips_below_threshold=[
        replace(ALWAYS, SCALE_SAFELY),
        replace(*ALWAYS),
        replace(IF_ABOVE, "if norm > 0"),
        replace((IF_ABOVE, "if norm < max_norm"), SCALE_SAFELY),
    ],
    clipped_by_value=replace(ALWAYS, (SCALE, "gradient.clamp_(-max_norm, max_norm)")),
    another_norm=instead_of(
        NORM,
        SUM_OF_NORMS,
        "sum(gradient.abs().sum() for gradient in gradients)",
        "max(gradient.abs().max() for gradient in gradients)",
        LARGEST_NORM,
        f"({NORM}) / sum(gradient.numel() for gradient in gradients) ** 0.5",
        "sum(gradient.square().sum() for gradient in gradients)",
        f"{SUM_OF_NORMS} / len(gradients)",
    ),
    generator_exhausted=replace("for gradient in gradients:", f"for gradient in {GRADIENTS}:"),
    norm_after_clipping=instead_of(RETURN, f"return {NORM}", "return norm.clamp(max=max_norm)"),
    no_norm_returned=instead_of(RETURN, "return None", "return gradients"),
    missing_gradients_crash=replace(" if parameter.grad is not None", ""),
    zero_norm=[
        replace(ALWAYS, (SCALE, "gradient.mul_(min(1.0, max_norm / float(norm)))")),
        replace(ALWAYS, (SCALE, "gradient.mul_(max_norm / torch.maximum(norm, torch.tensor(max_norm)) * norm / norm)")),
        replace(ALWAYS, (SCALE, "gradient.div_(norm).mul_(torch.clamp(norm, max=max_norm))")),
    ],
    parameters_clipped=[
        replace(GRADIENTS, "[parameter.data for parameter in parameters]"),
        replace(SCALE, f"{SCALE}\n{SCALE_PARAMETERS}"),
    ],
)

exercise = Exercise(
    targets=("init_attention_", "warmup_lr", "parameter_groups", "clip_by_global_norm_"),
    cases=cases,
    mistakes=mistakes,
    oracles=(init_attention_, warmup_lr, parameter_groups, clip_by_global_norm_),
    forbidden=("clip_grad_norm_", "clip_grad_norm", "clip_grads_with_norm_", "clip_grad_value_"),
)
