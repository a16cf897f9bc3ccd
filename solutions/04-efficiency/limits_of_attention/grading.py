"""How the limits of attention are graded."""

from collections.abc import Iterator
from typing import Any

import torch

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    def count(reason: str, *sizes: int, public: bool = False) -> Case:
        return Case(reason, call(*sizes), target="attention_flops", public=public)

    def scores(reason: str, *sizes: Any, public: bool = False) -> Case:
        return Case(reason, call(*sizes), target="score_bytes", public=public)

    def longest(reason: str, *given: Any, public: bool = False) -> Case:
        return Case(reason, call(*given), target="max_length", public=public)

    yield count("operations: every size different", 2, 3, 5, 7, 11, public=True)
    yield count("operations: one query, as in decoding", 1, 8, 1, 1000, 64)
    yield count("operations: a large model", 4, 32, 8192, 4096, 128)
    yield scores("bytes: float32", 2, 3, 5, 7, torch.float32, public=True)
    yield scores("bytes: bfloat16", 1, 32, 32768, 32768, torch.bfloat16)
    yield scores("bytes: float64, more queries than keys", 3, 2, 9, 4, torch.float64)
    yield scores("bytes: float16", 5, 4, 6, 3, torch.float16)
    yield longest("length: some room is left", 1000, 2, 3, torch.float32, public=True)
    yield longest("length: filled exactly", 2 * 3 * 11 * 11 * 4, 2, 3, torch.float32)
    yield longest("length: one byte too few", 2 * 3 * 11 * 11 * 4 - 1, 2, 3, torch.float32)
    yield longest("length: an accelerator's memory, bfloat16", 80 * 10**9, 1, 32, torch.bfloat16)
    yield longest("length: float64", 10**6, 3, 5, torch.float64)
    yield longest("length: nothing fits", 7, 1, 4, torch.float16)
    yield longest("length: one fits", 8, 1, 4, torch.float16)


def attention_flops(batch, heads, query_len, key_len, head_dim):
    """The oracle: one score and one entry of the output at a time."""
    scores = query_len * key_len * (head_dim + head_dim)
    outputs = query_len * head_dim * (key_len + key_len)
    return batch * heads * (scores + outputs)


def score_bytes(batch, heads, query_len, key_len, dtype):
    """The oracle: ask a tensor."""
    q, k = torch.empty(query_len, 1, dtype=dtype, device="meta"), torch.empty(key_len, 1, dtype=dtype, device="meta")
    return batch * heads * (q @ k.T).nbytes


def max_length(memory_bytes, batch, heads, dtype):
    """The oracle: search by halving."""
    low, high = 0, memory_bytes + 1
    while high - low > 1:
        middle = (low + high) // 2
        fits = batch * heads * middle**2 * torch.finfo(dtype).bits <= 8 * memory_bytes
        low, high = (middle, high) if fits else (low, middle)
    return low


FLOPS = "2 * 2 * batch * heads * query_len * key_len * head_dim"
BYTES = "batch * heads * query_len * key_len * dtype.itemsize"
ONE = "score_bytes(batch, heads, 1, 1, dtype)"
LENGTH = f"math.isqrt(memory_bytes // {ONE})"
ROOT = f"(memory_bytes / {ONE}) ** 0.5"


def counted(factor: str, new: str) -> list[Any]:
    """Another factor in the operations, in the bytes, and in both."""
    flops, size = ((formula, formula.replace(factor, new)) for formula in (FLOPS, BYTES))
    return [replace(*flops), replace(*size), replace(flops, size)]


def lengths(*formulas: str) -> list[Any]:
    return [replace(LENGTH, formula) for formula in formulas]


mistakes = known(
    half_the_operations=replace(FLOPS, FLOPS.removeprefix("2 * ")),
    quarter_of_the_operations=replace(FLOPS, FLOPS.removeprefix("2 * 2 * ")),
    products_with_one_addition_less=replace(
        FLOPS, "batch * heads * query_len * (key_len * (2 * head_dim - 1) + head_dim * (2 * key_len - 1))"
    ),
    heads_counted_twice=[*counted("heads", "heads * heads"), *lengths(f"math.isqrt(memory_bytes // ({ONE} * heads))")],
    heads_forgotten=[*counted("heads", "1"), *lengths(LENGTH.replace("heads", "1"))],
    batch_forgotten=[*counted("batch", "1"), *lengths(LENGTH.replace("batch", "1"))],
    not_quadratic=[
        *lengths(f"memory_bytes // {ONE}"),
        *counted("key_len", "1"),
        *counted("query_len * key_len", "(query_len + key_len)"),
        replace((" * key_len", ""), (LENGTH, f"memory_bytes // {ONE}")),
    ],
    one_length_squared=[*counted("key_len", "query_len"), *counted("query_len", "key_len")],
    head_dim_in_scores=[replace(BYTES, f"{BYTES} * 64"), replace(FLOPS, FLOPS.replace(" * head_dim", ""))],
    four_bytes_always=[replace("dtype.itemsize", "4"), replace("dtype.itemsize", "2")],
    bits_for_bytes=replace("dtype.itemsize", "torch.finfo(dtype).bits"),
    bytes_forgotten=replace(" * dtype.itemsize", ""),
    weights_counted_too=replace(BYTES, f"2 * {BYTES}"),
    rounded_to_nearest=lengths(f"round({ROOT})", f"math.ceil({ROOT})", f"{LENGTH} + 1"),
    exact_fit_refused=lengths(f"math.isqrt((memory_bytes - 1) // {ONE})", f"max({LENGTH} - 1, 0)"),
    at_least_one=replace(LENGTH, f"max(1, {LENGTH})"),
    not_an_int=[
        *lengths(ROOT, f"float({LENGTH})", f"{ROOT} // 1", f"torch.tensor(memory_bytes // {ONE}).sqrt().floor()"),
        replace(FLOPS, f"float({FLOPS})"),
        replace(BYTES, f"float({BYTES})"),
    ],
)

exercise = Exercise(
    targets=("attention_flops", "score_bytes", "max_length"),
    cases=cases,
    mistakes=mistakes,
    oracles=(attention_flops, score_bytes, max_length),
)
