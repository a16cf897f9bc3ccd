"""The second generator, of another design: tokens of the text exchanged blindly, and answers wrong on an occasion.

It was written to test what the first one and the grading were built with in mind, and nothing is tuned to it.
"""

from __future__ import annotations

import io
import itertools
import keyword
import random
import tokenize
from collections.abc import Iterator

from grader.proof.mutants.mutant import Mutant
from grader.proof.mutants.wrapping import wrapped

_OCCASIONS = {
    "sizes": {
        "a batch of one": "any(x.dim() > 1 and x.shape[0] == 1 for x in given)",
        "an axis of size one": "any(1 in x.shape for x in given)",
        "the last axis of size one": "any(x.dim() and x.shape[-1] == 1 for x in given)",
        "two axes of one size": "any(len(set(x.shape)) < x.dim() for x in given)",
        "all inputs of one shape": "len(given) > 1 and len({x.shape for x in given}) == 1",
        "more than 256 positions": "any(max(x.shape, default=0) > 256 for x in given)",
        "three leading axes": "any(x.dim() > 4 for x in given)",
        "no leading axes": "any(x.dim() == 2 for x in given)",
        "an odd size": "any(size % 2 for x in given for size in x.shape)",
    },
    "numbers": {
        "float64": "any(x.dtype == torch.float64 for x in given)",
        "bfloat16": "any(x.dtype == torch.bfloat16 for x in given)",
        "memory in another order": "any(not x.is_contiguous() for x in given)",
        "large numbers": "any(bool(x.abs().max() > 20) for x in floating if x.numel())",
        "small numbers": "bool(floating) and all(bool(x.abs().max() < 0.2) for x in floating if x.numel())",
        "zeros": "any(bool((x == 0).any()) for x in floating)",
        "no gradients": "not torch.is_grad_enabled()",
        "an input without gradients": "bool(floating) and not any(x.requires_grad for x in floating)",
        "an input with gradients": "any(x.requires_grad for x in floating)",
    },
    "masks": {
        "a mask without True": "any(not bool(x.any()) for x in masks)",
        "a mask without False": "any(bool(x.all()) for x in masks)",
        "a mask with a row that is empty": "any(x.dim() and not bool(x.any(-1).all()) for x in masks)",
        "a mask": "bool(masks)",
        "a keyword": "bool(kwargs)",
        "no keyword": "not kwargs",
    },
    "calls": {
        "the second call": "kept['calls'] == 2",
        "a call of the same shape as before": "kept.setdefault('shapes', shapes) == shapes and kept['calls'] > 1",
        "a call of another shape than the first": "kept.setdefault('shapes', shapes) != shapes",
        "training": "module is not None and module.training",
        "evaluation after training": "module is not None and not module.training and kept['trained']",
    },
}

_FAULTS = {
    "1.5 times": "1.5 * x",
    "rounded": "(x * 10).round() / 10 if isinstance(x, torch.Tensor) else round(x, 1)",
    "detached": "x.detach() if isinstance(x, torch.Tensor) else x",
    "the first of all": "x[:1].expand_as(x) if isinstance(x, torch.Tensor) and x.dim() else x",
    "squeezed": "x.squeeze() if isinstance(x, torch.Tensor) else x",
    "float32": "x.float() if isinstance(x, torch.Tensor) else x",
}

_BODY = """
given, shapes = _tensors(args, kwargs), str([tuple(x.shape) for x in _tensors(args, kwargs)])
floating, masks = [x for x in given if x.is_floating_point()], [x for x in given if x.dtype == torch.bool]
kept["calls"] = kept.get("calls", 0) + 1
kept.setdefault("trained", False)
result = right(*args, **kwargs)
if {occasion}:
    result = _numbers(lambda x: {fault}, result)
kept["trained"] = kept["trained"] or (module is not None and module.training)
return result
"""


def occasional(reference: str, targets: tuple[str, ...]) -> Iterator[Mutant]:
    """Right but on one occasion, each with the first of the faults and another."""
    turns = itertools.cycle(list(_FAULTS.items())[1:])
    always = next(iter(_FAULTS.items()))
    for sort, occasions in _OCCASIONS.items():
        for occasion, condition in occasions.items():
            for said, fault in (always, next(turns)):
                body = _BODY.format(occasion=condition, fault=fault)
                yield Mutant(f"occasion: {sort}", wrapped(reference, targets, body), f"{said}, given {occasion}")


_SIGNS = ("+", "-", "*", "/", "//", "%", "@", "**", "&", "|", "<", "<=", ">", ">=", "==", "!=")
_NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def exchanged(reference: str, seed: str, count: int = 400) -> Iterator[Mutant]:
    """One token made into another of its sort that stands somewhere in the text, deleted, or a line lost or moved."""
    rand = random.Random(seed)
    tokens = [
        token for token in tokenize.generate_tokens(io.StringIO(reference).readline) if token.type not in _NO_CODE
    ]
    lines = reference.splitlines(keepends=True)
    names = sorted(
        {token.string for token in tokens if token.type == tokenize.NAME and not keyword.iskeyword(token.string)}
    )
    numbers = sorted({token.string for token in tokens if token.type == tokenize.NUMBER} | {"0", "1", "2", "3"})
    for _ in range(count):
        token = rand.choice(tokens)
        if token.line.lstrip().startswith(("import ", "from ", '"""', "raise ")) or token.start[0] != token.end[0]:
            continue
        what = rand.random()
        if what < 0.2:
            number = token.start[0] - 1
            other = number + rand.choice((0, 1))
            if other >= len(lines) or not lines[other].strip() or lines[other].lstrip().startswith("#"):
                continue
            moved = [*lines]
            moved[number], moved[other] = moved[other], moved[number]
            if other == number:
                del moved[number]
            yield Mutant("line lost" if other == number else "lines exchanged", "".join(moved))
            continue
        choices: tuple[str, ...] | list[str]
        if token.type == tokenize.NUMBER:
            choices = numbers
        elif token.type == tokenize.NAME and token.string in names:
            choices = names
        elif token.string in _SIGNS:
            choices = _SIGNS
        elif token.string in ("-", "~", "not", "is", "True", "False"):
            choices = ("", "not")
        else:
            continue
        row, start, end = token.start[0] - 1, token.start[1], token.end[1]
        line = lines[row]
        new = [*lines[:row], f"{line[:start]}{rand.choice(choices)}{line[end:]}", *lines[row + 1 :]]
        yield Mutant(f"token: {tokenize.tok_name[token.type].lower()}", "".join(new))
