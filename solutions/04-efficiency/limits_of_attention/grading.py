"""How the limits of attention are graded."""

from collections.abc import Iterator

import torch

from grader.authoring import Case, Exercise, Random, edit, mistake


def cases(rand: Random) -> Iterator[Case]:
    def count(reason, *sizes, **more):  # type: ignore[no-untyped-def]
        return Case(reason, sizes, target="attention_flops", **more)

    def scores(reason, *sizes, **more):  # type: ignore[no-untyped-def]
        return Case(reason, sizes, target="score_bytes", **more)

    def longest(reason, *given, **more):  # type: ignore[no-untyped-def]
        return Case(reason, given, target="max_length", **more)

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

mistakes = (
    mistake(
        "half-the-operations",
        "numerics",
        edit(FLOPS, FLOPS.removeprefix("2 * ")),
        en="Your count is half of what it should be: there are two matrix products, and a multiply-add counts as two. "
        "One of "
        "these factors of 2 is missing.",
        zh="你的结果是应有值的一半：有两次矩阵乘法，一次乘加又算两次运算，少了其中一个因子 2。",
    ),
    mistake(
        "quarter-of-the-operations",
        "numerics",
        edit(FLOPS, FLOPS.removeprefix("2 * 2 * ")),
        en="Your count is a quarter of what it should be: there are two matrix products, and a multiply-add counts as "
        "two.",
        zh="你的结果是应有值的四分之一：有两次矩阵乘法，一次乘加又算两次运算。",
    ),
    mistake(
        "products-with-one-addition-less",
        "numerics",
        edit(
            FLOPS,
            "batch * heads * query_len * (key_len * (2 * head_dim - 1) + head_dim * (2 * key_len - 1))",
        ),
        en="You count d multiplications and d − 1 additions for every entry. By the convention here a multiply-add is "
        "two "
        "operations, 2·d for every entry.",
        zh="你对每个元素数了 d 次乘法和 d − 1 次加法。这里约定一次乘加算两次运算，每个元素 2·d 次。",
    ),
    mistake(
        "heads-counted-twice",
        "numerics",
        edit(FLOPS, f"{FLOPS} * heads"),
        edit(BYTES, f"{BYTES} * heads"),
        edit(LENGTH, f"math.isqrt(memory_bytes // ({ONE} * heads))"),
        edit((FLOPS, f"{FLOPS} * heads"), (BYTES, f"{BYTES} * heads")),
        en="The heads are counted twice: head_dim is the size of one head, and there is one score matrix for each.",
        zh="头被乘了两次：head_dim 是单个头的维度，每个头有一个打分矩阵。",
    ),
    mistake(
        "heads-forgotten",
        "numerics",
        edit(FLOPS, FLOPS.replace(" * heads", "")),
        edit(BYTES, BYTES.replace(" * heads", "")),
        edit(LENGTH, LENGTH.replace("batch, heads", "batch, 1")),
        edit((FLOPS, FLOPS.replace(" * heads", "")), (BYTES, BYTES.replace(" * heads", ""))),
        en="The heads are not counted: every head has its own scores.",
        zh="没有乘上头数：每个头有自己的打分。",
    ),
    mistake(
        "batch-forgotten",
        "numerics",
        edit(FLOPS, FLOPS.replace(" * batch", "")),
        edit(BYTES, BYTES.replace("batch * ", "")),
        edit(LENGTH, LENGTH.replace("batch, heads", "1, heads")),
        edit((FLOPS, FLOPS.replace(" * batch", "")), (BYTES, BYTES.replace("batch * ", ""))),
        en="The batch is not counted: every sequence has its own scores.",
        zh="没有乘上批大小：每个序列有自己的打分。",
    ),
    mistake(
        "not-quadratic",
        "numerics",
        edit(LENGTH, f"memory_bytes // {ONE}"),
        edit(FLOPS, FLOPS.replace(" * key_len", "")),
        edit(FLOPS, FLOPS.replace("query_len * key_len", "(query_len + key_len)")),
        edit(BYTES, BYTES.replace(" * key_len", "")),
        edit(BYTES, BYTES.replace("query_len * key_len", "(query_len + key_len)")),
        edit(
            (FLOPS, FLOPS.replace(" * key_len", "")),
            (BYTES, BYTES.replace(" * key_len", "")),
            (LENGTH, f"memory_bytes // {ONE}"),
        ),
        en="Your formula is linear in the length: there is a score for every pair, query_len · key_len of them, so "
        "the longest "
        "length is a square root.",
        zh="你的公式与长度成线性：每一对都有一个打分，共 query_len · key_len 个，所以最大长度要开平方。",
    ),
    mistake(
        "one-length-squared",
        "numerics",
        edit(FLOPS, FLOPS.replace("key_len", "query_len")),
        edit(BYTES, BYTES.replace("key_len", "query_len")),
        edit((FLOPS, FLOPS.replace("key_len", "query_len")), (BYTES, BYTES.replace("key_len", "query_len"))),
        edit((FLOPS, FLOPS.replace("query_len", "key_len")), (BYTES, BYTES.replace("query_len", "key_len"))),
        en="One of the two lengths is squared: in general there are query_len · key_len scores.",
        zh="你把其中一个长度平方了：一般情况下有 query_len · key_len 个打分。",
    ),
    mistake(
        "head-dim-in-scores",
        "numerics",
        edit(BYTES, f"{BYTES} * 64"),
        edit(FLOPS, FLOPS.replace(" * head_dim", "")),
        en="The size of a head is in the wrong place: an operation count has it as a factor, a score is one number "
        "whatever its size.",
        zh="头的维度用错了地方：运算次数要乘以它，而一个打分无论维度多大都只是一个数。",
    ),
    mistake(
        "four-bytes-always",
        "dtype",
        edit(("dtype.itemsize", "4")),
        edit(("dtype.itemsize", "2")),
        en="The size of a number is fixed in your formula; it depends on dtype: 8, 4 or 2 bytes.",
        zh="你的公式里每个数的大小是固定的；它取决于 dtype：8、4 或 2 字节。",
    ),
    mistake(
        "bits-for-bytes",
        "numerics",
        edit("dtype.itemsize", "torch.finfo(dtype).bits"),
        en="Your memory is in bits; a byte has 8 of them.",
        zh="你的内存单位是比特；1 字节等于 8 比特。",
    ),
    mistake(
        "bytes-forgotten",
        "numerics",
        edit(" * dtype.itemsize", ""),
        en="You count scores, not bytes: multiply by the size of one, dtype.itemsize.",
        zh="你数的是打分的个数而不是字节数：还要乘以每个数的大小 dtype.itemsize。",
    ),
    mistake(
        "weights-counted-too",
        "numerics",
        edit(BYTES, f"2 * {BYTES}"),
        en="Twice the memory is counted: the scores alone are asked for, not the weights beside them.",
        zh="内存数了两倍：只问打分，不含另一份权重。",
    ),
    mistake(
        "rounded-to-nearest",
        "numerics",
        edit(LENGTH, f"round((memory_bytes / {ONE}) ** 0.5)"),
        edit(LENGTH, f"math.ceil((memory_bytes / {ONE}) ** 0.5)"),
        edit(LENGTH, f"{LENGTH} + 1"),
        en="The length is rounded up: scores of that length do not fit any more. Round down.",
        zh="长度被向上取了整：这个长度的打分已放不下。应当向下取整。",
    ),
    mistake(
        "exact-fit-refused",
        "numerics",
        edit(LENGTH, f"math.isqrt((memory_bytes - 1) // {ONE})"),
        edit(LENGTH, f"max({LENGTH} - 1, 0)"),
        en="Scores that fill the memory to the last byte fit, and your length is one too small for them.",
        zh="恰好占满内存的打分是放得下的，而你的长度小了 1。",
    ),
    mistake(
        "at-least-one",
        "numerics",
        edit(LENGTH, f"max(1, {LENGTH})"),
        en="When not even one score per head fits, the length is 0, not 1.",
        zh="连每个头一个打分都放不下时，长度是 0 而不是 1。",
    ),
    mistake(
        "not-an-int",
        "interface",
        edit(LENGTH, f"(memory_bytes / {ONE}) ** 0.5"),
        edit(LENGTH, f"float({LENGTH})"),
        edit(LENGTH, f"(memory_bytes / {ONE}) ** 0.5 // 1"),
        edit(LENGTH, f"torch.tensor(memory_bytes // {ONE}).sqrt().floor()"),
        edit(FLOPS, f"float({FLOPS})"),
        edit(BYTES, f"float({BYTES})"),
        en="A Python int is asked for; / and sqrt make floats.",
        zh="要求返回 Python 整数；/ 和 sqrt 得到的是浮点数。",
    ),
)

exercise = Exercise(
    targets=("attention_flops", "score_bytes", "max_length"),
    cases=cases,
    mistakes=mistakes,
    oracles=(attention_flops, score_bytes, max_length),
)
