"""How the image captioner is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of, together_or_alone, without_gradients, wrong_causal_masks
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def model(*init: int, images: tuple[int, ...], T: int, **named: int) -> Any:
        """Built so, with images of this shape and captions of T words."""
        return built(*init, **named)(rand.normal(*images), rand.integers(0, init[0], images[0], T))

    # With one word there is no future to see: what fails here is no mask.
    one_word = model(11, 8, 4, images=(2, 3, 17, 13), T=1)
    yield Case("one word, every size different", one_word, gradients=True, public=True)
    more = model(11, 10, 2, max_len=9, images=(3, 3, 6, 5), T=7)
    yield Case("several words, more than places", more, family="masking", gradients=True, twice=True, public=True)
    fewer = model(9, 6, 3, images=(2, 3, 11, 14), T=5)
    yield Case("several words, fewer than places", fewer, family="masking", public=True)
    yield Case("as many words as places", model(9, 6, 2, images=(2, 3, 7, 8), T=4), family="masking")
    used_up = model(7, 12, 6, 1, 4, images=(3, 1, 9, 12), T=4)
    yield Case("one channel, positions used up", used_up, family="shape")
    yield Case("one place, one word, one head", model(5, 6, 1, images=(1, 3, 4, 3), T=1), family="shape")
    training = model(7, 8, 2, images=(2, 3, 9, 6), T=3).train()
    yield Case("training mode: there is no dropout", training, family="state")
    yield from standard(lambda: model(7, 6, 2, images=(2, 3, 9, 10), T=4), dtypes=("float64", "bfloat16"))
    used = model(7, 8, 2, images=(2, 3, 9, 6), T=3)
    yield Case("eval() under no_grad", used, family="masking", probe=without_gradients)


def ImageCaptioner(vocab_size, embed_dim, num_heads, channels=3, max_len=64):
    """The oracle: one caption at a time, every word from the words up to it, the image gathered row by row."""

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
            return torch.stack([self.one(*pair) for pair in zip(self.cnn(images), captions, strict=True)])

        def one(self, grid, caption):
            places = torch.cat(list(grid.permute(1, 2, 0)))
            y = self.embedding(caption) + self.positions.weight[: len(caption)]
            upto = [y[: t + 1] for t in range(len(y))]
            y = y + torch.cat([self.self_attention(seen[-1:], seen, seen)[0] for seen in upto])
            return self.head(y + self.cross_attention(y, places, places)[0])

    return Captioner()


FEATURES = "self.cnn(images)"
TOKENS = f"{FEATURES}.flatten(2).transpose(1, 2)"
RESHAPED = "\n        tokens = tokens.reshape(tokens.shape[0], -1, tokens.shape[1])"
EMBEDDED = "self.embedding(captions)"
POSITIONS = " + self.positions(torch.arange(T, device=captions.device))"
SELF = "self.self_attention(y, y, y, attn_mask=future)"
CROSS = "self.cross_attention(y, tokens, tokens)"
ADD_SELF, ADD_CROSS = f"y = y + {SELF}[0]", f"y = y + {CROSS}[0]"
LOGITS = "self.head(y)"

mistakes = known(
    view_not_transpose=instead_of(TOKENS, f"{FEATURES}{RESHAPED}", f"{FEATURES}.transpose(2, 3){RESHAPED}"),
    image_pooled=instead_of(
        TOKENS, *(f"{TOKENS}.{pool}(dim=1, keepdim=True)" for pool in ("mean", "amax", "sum")), f"{TOKENS}[:, :1]"
    ),
    rows_or_columns_pooled=instead_of(TOKENS, *(f"{FEATURES}.mean(dim={side}).transpose(1, 2)" for side in (2, 3))),
    causal_mask_on_image=[
        replace(("tokens, tokens)", f"tokens, tokens, attn_mask={mask})"), *also)
        for mask in ("torch.ones(T, tokens.shape[1]).triu(1).bool()", "future")
        for also in ([], [(SELF, "self.self_attention(y, y, y)")])
    ],
    **wrong_causal_masks("captions"),
    cross_attends_words=instead_of("(y, tokens, tokens)", "(y, y, y)", "(y, y, y, attn_mask=future)", "(y, tokens, y)"),
    cross_from_wrong_side=instead_of(
        ADD_CROSS, *(f"y = {residual}self.cross_attention(tokens, y, y)[0]" for residual in ("tokens + ", "", "y + "))
    ),
    image_first=replace((ADD_SELF, "#self#"), (ADD_CROSS, ADD_SELF), ("#self#", ADD_CROSS)),
    layers_mixed_up=[
        replace("self.cross_attention(y", "self.self_attention(y"),
        replace("self.self_attention(y", "self.cross_attention(y"),
    ],
    positions_missing=replace(POSITIONS, ""),
    positions_on_image=replace(
        TOKENS, f"{TOKENS}\n        tokens = tokens + self.positions.weight[torch.arange(tokens.shape[1]) % 4]"
    ),
    positions_from_one=replace("torch.arange(T,", "torch.arange(1, T + 1,"),
    residual_missing=together_or_alone(("y + self.self", "self.self"), ("y + self.cross", "self.cross")),
    self_attention_unused=replace(ADD_SELF, "y = y"),
    relu_missing=instead_of(FEATURES, "self.cnn[2](self.cnn[0](images))", f"{FEATURES}.relu()"),
    embedding_scaled=replace(EMBEDDED, f"{EMBEDDED} * self.head.in_features**0.5"),
    softmax_returned=instead_of(LOGITS, f"torch.softmax({LOGITS}, dim=-1)", f"torch.log_softmax({LOGITS}, dim=-1)"),
    only_last_position=instead_of(LOGITS, "self.head(y[:, -1])", "self.head(y[:, -1:])", "self.head(y.mean(dim=1))"),
    pair_not_unpacked=[replace(f"{SELF}[0]", SELF), replace(f"{CROSS}[0]", CROSS), replace(f"y + {SELF}[0]", SELF)],
    batch_mixed=replace(", batch_first=True", ""),
    gradient_cut=[replace(TOKENS, f"{TOKENS}.detach()"), replace(EMBEDDED, f"{EMBEDDED}.detach()")],
    dropout_added=[
        replace("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        replace(LOGITS, "self.head(F.dropout(y, 0.1, self.training))"),
    ],
    # Before they are used, or after.
    inputs_changed=[
        replace(step, f"images.data.mul_(0.5)\n        {step}") for step in ("tokens = self", "return self")
    ],
)

exercise = Exercise(
    targets=("ImageCaptioner",), outputs=("logits",), cases=cases, mistakes=mistakes, oracles=(ImageCaptioner,)
)
