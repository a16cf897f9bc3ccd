"""How the image captioner is graded."""

from collections.abc import Iterator

import torch
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    # With one word there is no future to see: what fails here is no mask.
    yield Case(
        "one word, every size different",
        built(11, 8, 4)(rand.normal(2, 3, 17, 13), rand.integers(0, 11, 2, 1)),
        gradients=True,
        public=True,
    )
    yield Case(
        "several words, more than places",
        built(11, 10, 2, max_len=9)(rand.normal(3, 3, 6, 5), rand.integers(0, 11, 3, 7)),
        family="masking",
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case(
        "several words, fewer than places",
        built(9, 6, 3)(rand.normal(2, 3, 11, 14), rand.integers(0, 9, 2, 5)),
        family="masking",
        public=True,
    )
    yield Case(
        "as many words as places", built(9, 6, 2)(rand.normal(2, 3, 7, 8), rand.integers(0, 9, 2, 4)), family="masking"
    )
    yield Case(
        "one channel, positions used up",
        built(7, 12, 6, 1, 4)(rand.normal(3, 1, 9, 12), rand.integers(0, 7, 3, 4)),
        family="shape",
    )
    yield Case(
        "one place, one word, one head",
        built(5, 6, 1)(rand.normal(1, 3, 4, 3), rand.integers(0, 5, 1, 1)),
        family="shape",
    )
    yield Case(
        "an image in another order of memory (non-contiguous)",
        built(7, 6, 2)(rand.normal(2, 3, 9, 10).transpose(2, 3), rand.integers(0, 7, 2, 4)),
        family="shape",
    )
    yield Case(
        "training mode: there is no dropout",
        built(7, 8, 2).train()(rand.normal(2, 3, 9, 6), rand.integers(0, 7, 2, 3)),
        family="state",
    )
    yield Case(
        "float64", built(7, 6, 2)(rand.normal(2, 3, 9, 4), rand.integers(0, 7, 2, 4)), family="dtype", dtype="float64"
    )
    yield Case(
        "bfloat16", built(5, 8, 2)(rand.normal(2, 3, 5, 6), rand.integers(0, 5, 2, 3)), family="dtype", dtype="bfloat16"
    )


def ImageCaptioner(vocab_size, embed_dim, num_heads, channels=3, max_len=64):
    """The oracle: one caption at a time, one word from the words up to it, the image gathered place by place."""

    class Captioner(nn.Module):
        def __init__(self):
            super().__init__()
            first = nn.Conv2d(channels, embed_dim, 3, stride=2, padding=1)
            second = nn.Conv2d(embed_dim, embed_dim, 3, stride=2, padding=1)
            self.cnn = nn.Sequential(first, nn.ReLU(), second)
            self.embedding, self.positions = nn.Embedding(vocab_size, embed_dim), nn.Embedding(max_len, embed_dim)
            self.self_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.cross_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.head = nn.Linear(embed_dim, vocab_size)

        def forward(self, images, captions):
            return torch.stack([self.one(*pair) for pair in zip(images, captions, strict=True)])

        def one(self, image, caption):
            grid = self.cnn(image[None])[0]
            places = torch.stack([grid[:, i, j] for i in range(grid.shape[1]) for j in range(grid.shape[2])])
            y = self.embedding(caption) + self.positions.weight[: len(caption)]
            rows = []
            for t in range(len(caption)):
                last = y[t : t + 1]
                last = last + self.self_attention(last, y[: t + 1], y[: t + 1])[0]
                rows.append(last + self.cross_attention(last, places, places)[0])
            return self.head(torch.cat(rows))

    return Captioner()


TOKENS = "self.cnn(images).flatten(2).transpose(1, 2)"
POSITIONS = " + self.positions(torch.arange(T, device=captions.device))"
FUTURE = "torch.ones(T, T, dtype=torch.bool, device=captions.device).triu(1)"
SELF = "y = y + self.self_attention(y, y, y, attn_mask=future)[0]"
CROSS = "y = y + self.cross_attention(y, tokens, tokens)[0]"
OPEN = (", attn_mask=future", "")
NO_WEIGHTS = ("attn_mask=future", "attn_mask=future, need_weights=False")
ON_IMAGE = "attn_mask=torch.ones(T, tokens.shape[1], dtype=torch.bool, device=images.device).triu(1)"

mistakes = known(
    view_not_transpose=[
        replace(TOKENS, "self.cnn(images)\n        tokens = tokens.reshape(tokens.shape[0], -1, tokens.shape[1])"),
        replace(
            TOKENS,
            "self.cnn(images).transpose(2, 3)\n        tokens = tokens.reshape(tokens.shape[0], -1, tokens.shape[1])",
        ),
    ],
    image_pooled=[
        replace(TOKENS, f"{TOKENS}.mean(dim=1, keepdim=True)"),
        replace(TOKENS, f"{TOKENS}.amax(dim=1, keepdim=True)"),
        replace(TOKENS, f"{TOKENS}.sum(dim=1, keepdim=True)"),
        replace(TOKENS, f"{TOKENS}[:, :1]"),
    ],
    rows_or_columns_pooled=[
        replace(TOKENS, "self.cnn(images).mean(dim=2).transpose(1, 2)"),
        replace(TOKENS, "self.cnn(images).mean(dim=3).transpose(1, 2)"),
    ],
    causal_mask_on_image=[
        replace((CROSS, f"y = y + self.cross_attention(y, tokens, tokens, {ON_IMAGE})[0]")),
        replace((CROSS, f"y = y + self.cross_attention(y, tokens, tokens, {ON_IMAGE})[0]"), OPEN),
        replace(CROSS, "y = y + self.cross_attention(y, tokens, tokens, attn_mask=future)[0]"),
        replace(OPEN, (CROSS, "y = y + self.cross_attention(y, tokens, tokens, attn_mask=future)[0]")),
    ],
    future_visible=[replace(*OPEN), replace(FUTURE, "torch.zeros(T, T, device=captions.device)")],
    causal_mask_inverted=[
        replace(FUTURE, FUTURE.replace("triu(1)", "tril()")),
        replace((FUTURE, FUTURE.replace("triu(1)", "tril()")), NO_WEIGHTS),
        replace(FUTURE, FUTURE.replace("triu(1)", "tril(-1)")),
    ],
    causal_mask_off_by_one=[
        replace(FUTURE, FUTURE.replace("triu(1)", "triu()")),
        replace((FUTURE, FUTURE.replace("triu(1)", "triu()")), NO_WEIGHTS),
        replace(FUTURE, FUTURE.replace("triu(1)", "triu(2)")),
    ],
    causal_mask_as_numbers=[
        replace(FUTURE, "torch.ones(T, T).triu(1).to(self.head.weight)"),
        replace(FUTURE, "torch.ones(T, T).tril().to(self.head.weight)"),
    ],
    causal_mask_nan=[
        replace(FUTURE, "torch.ones(T, T).triu(1).to(self.head.weight) * float('-inf')"),
        replace(FUTURE, "torch.ones(T, T).triu(1) * float('-inf')"),
    ],
    cross_attends_words=[
        replace(CROSS, "y = y + self.cross_attention(y, y, y)[0]"),
        replace(CROSS, "y = y + self.cross_attention(y, y, y, attn_mask=future)[0]"),
        replace(CROSS, "y = y + self.cross_attention(y, tokens, y)[0]"),
    ],
    cross_from_wrong_side=[
        replace(CROSS, "y = tokens + self.cross_attention(tokens, y, y)[0]"),
        replace(CROSS, "y = self.cross_attention(tokens, y, y)[0]"),
        replace(CROSS, "y = y + self.cross_attention(tokens, y, y)[0]"),
    ],
    image_first=replace((SELF, "#self#"), (CROSS, SELF), ("#self#", CROSS)),
    layers_mixed_up=[
        replace("self.cross_attention(y", "self.self_attention(y"),
        replace("self.self_attention(y", "self.cross_attention(y"),
    ],
    positions_missing=replace(POSITIONS, ""),
    positions_on_image=replace(
        TOKENS, f"{TOKENS}\n        tokens = tokens + self.positions.weight[torch.arange(tokens.shape[1]) % 4]"
    ),
    positions_from_one=replace("torch.arange(T,", "torch.arange(1, T + 1,"),
    residual_missing=[
        replace(("y = y + self.self", "y = self.self"), ("y = y + self.cross", "y = self.cross")),
        replace("y = y + self.self", "y = self.self"),
        replace("y = y + self.cross", "y = self.cross"),
    ],
    self_attention_unused=replace(SELF, "y = y"),
    relu_missing=[
        replace("self.cnn(images)", "self.cnn[2](self.cnn[0](images))"),
        replace("self.cnn(images)", "self.cnn(images).relu()"),
    ],
    embedding_scaled=replace("self.embedding(captions)", "self.embedding(captions) * self.head.in_features**0.5"),
    softmax_returned=[
        replace("return self.head(y)", "return torch.softmax(self.head(y), dim=-1)"),
        replace("return self.head(y)", "return torch.log_softmax(self.head(y), dim=-1)"),
    ],
    only_last_position=[
        replace("return self.head(y)", "return self.head(y[:, -1])"),
        replace("return self.head(y)", "return self.head(y[:, -1:])"),
        replace("return self.head(y)", "return self.head(y.mean(dim=1))"),
    ],
    pair_not_unpacked=[
        replace(SELF, SELF.removesuffix("[0]")),
        replace(CROSS, CROSS.removesuffix("[0]")),
        replace(SELF, SELF.removesuffix("[0]").replace("y + ", "")),
    ],
    batch_mixed=replace(", batch_first=True", ""),
    gradient_cut=[
        replace(TOKENS, f"{TOKENS}.detach()"),
        replace("self.embedding(captions)", "self.embedding(captions).detach()"),
    ],
    dropout_added=[
        replace("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        replace("self.head(y)", "self.head(F.dropout(y, 0.1, self.training))"),
    ],
    returns_float32=replace("return self.head(y)", "return self.head(y).float()"),
    inputs_changed=replace("tokens = self.cnn", "images.data.mul_(0.5)\n        tokens = self.cnn"),
)

exercise = Exercise(
    targets=("ImageCaptioner",), outputs=("logits",), cases=cases, mistakes=mistakes, oracles=(ImageCaptioner,)
)
