"""How the text classifier is graded."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace


def sentences(rand: Inputs, vocab: int, L: int, lengths: list[int], pad_id: int = 0, side: str = "right") -> Tensor:
    """(B, L): tokens other than ``pad_id`` at the start of every row (or its end, or scattered), padding elsewhere."""
    tokens = rand.integers(1, vocab, len(lengths), L)
    tokens = torch.where(tokens == pad_id, torch.zeros_like(tokens), tokens)
    places = torch.arange(L) if side == "right" else torch.arange(L).flip(0)
    places = (places * 5) % L if side == "scattered" else places
    return tokens.masked_fill(places >= torch.tensor(lengths).unsqueeze(1), pad_id)


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case(
        "no padding, every size different",
        built(11, 12, 3, 4)(sentences(rand, 11, 5, [5, 5])),
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case("one sentence of one token, one head", built(7, 6, 1, 3)(sentences(rand, 7, 1, [1])), family="shape")
    yield Case(
        "padding at the end",
        built(13, 8, 2, 5)(sentences(rand, 13, 6, [6, 2, 4])),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case("much padding", built(9, 10, 5, 4)(sentences(rand, 9, 17, [3, 1])), family="masking")
    yield Case(
        "padding at the start", built(13, 8, 4, 2)(sentences(rand, 13, 7, [3, 5, 7], side="left")), family="masking"
    )
    yield Case(
        "another pad_id, padding anywhere",
        built(13, 6, 3, 4, pad_id=4)(sentences(rand, 13, 7, [3, 5], pad_id=4, side="scattered")),
        family="masking",
    )
    yield Case(
        "a row of nothing but padding",
        built(11, 8, 2, 6)(sentences(rand, 11, 5, [4, 0, 5])),
        family="masking",
        gradients=True,
    )
    yield Case(
        "training mode: there is no dropout", built(11, 6, 2, 4).train()(sentences(rand, 11, 5, [5, 3])), family="state"
    )
    yield Case(
        "padding where scores are in the hundreds",
        built(13, 8, 2, 5)(sentences(rand, 13, 7, [3, 5, 6, 4])),
        family="masking",
        probe=loud,
        tolerance=1e-3,
    )
    yield Case("float64", built(9, 6, 2, 4)(sentences(rand, 9, 5, [5, 3])), family="dtype", dtype="float64")
    yield Case("bfloat16", built(9, 8, 2, 3)(sentences(rand, 9, 5, [3, 4])), family="dtype", dtype="bfloat16")


def loud(module, tokens):
    import torch

    with torch.no_grad():
        module.embedding.weight.mul_(40.0)
    return module(tokens)


def TextClassifier(vocab_size, embed_dim, num_heads, num_classes, pad_id=0):
    """The oracle: every sentence alone and without its padding."""

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
            self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.classifier = nn.Linear(embed_dim, num_classes)

        def forward(self, tokens):
            return torch.stack([self.one(row[row != pad_id]) for row in tokens])

        def one(self, words):
            if len(words) == 0:
                return self.classifier.bias
            x = self.embedding(words)
            return self.classifier(self.attention(x, x, x)[0].mean(0))

    return Classifier()


MASK = "~real & ~empty"
FILLED = "y.masked_fill(~real.unsqueeze(-1), 0.0)"
COUNT = "real.sum(dim=1, keepdim=True).clamp(min=1)"
MEAN = f"total / {COUNT}"
RETURNED = f"return self.classifier({MEAN})"
NO_GUARD = (MASK, "~real")

mistakes = known(
    mean_over_padding=[
        replace(MEAN, "y.mean(dim=1)"),
        replace(COUNT, "real.shape[1]"),
        replace(FILLED, "y"),
        replace((MEAN, "y.mean(dim=1)"), NO_GUARD),
        replace((COUNT, "real.shape[1]"), NO_GUARD),
        replace((FILLED, "y"), (COUNT, "real.sum(dim=1, keepdim=True)"), NO_GUARD),
    ],
    padding_attended=[
        replace(MASK, "None"),
        replace((MASK, "None"), ("x = self.embedding(tokens)", "x = self.embedding(tokens) * real.unsqueeze(-1)")),
    ],
    padding_everywhere=replace((MASK, "None"), (MEAN, "y.mean(dim=1)")),
    padding_mask_inverted=[
        replace(MASK, "real"),
        replace(MASK, "real & ~empty & ~real.all(dim=1, keepdim=True)"),
        replace((MASK, "real"), ("self.attention(x, x, x, ", "self.attention(x, x, x, need_weights=False, ")),
    ],
    mean_mask_inverted=[
        replace(
            (FILLED, "y.masked_fill(real.unsqueeze(-1), 0.0)"), (COUNT, "(~real).sum(dim=1, keepdim=True).clamp(min=1)")
        ),
        replace(FILLED, "y.masked_fill(real.unsqueeze(-1), 0.0)"),
    ],
    pad_id_fixed=replace("tokens != self.pad_id", "tokens != 0"),
    padding_only_at_the_end=replace(
        "real = tokens != self.pad_id",
        "real = torch.arange(tokens.shape[1]) < (tokens != self.pad_id).sum(dim=1, keepdim=True)",
    ),
    empty_row_nan=[
        replace(COUNT, "real.sum(dim=1, keepdim=True)"),
        replace((COUNT, "real.sum(dim=1, keepdim=True)"), NO_GUARD),
        replace(NO_GUARD, (FILLED, "(y * real.unsqueeze(-1))")),
    ],
    empty_row_nan_gradient=[
        replace(NO_GUARD, (FILLED, "y.nan_to_num().masked_fill(~real.unsqueeze(-1), 0.0)")),
        replace(NO_GUARD),
        replace(
            NO_GUARD, (RETURNED, f"return self.classifier(({MEAN}).nan_to_num())"), (FILLED, "(y * real.unsqueeze(-1))")
        ),
    ],
    empty_row_not_zero=[
        replace((MEAN, f"torch.where(empty, y.mean(dim=1), {MEAN})")),
        replace(FILLED, "y.masked_fill(~real.unsqueeze(-1) & ~empty.unsqueeze(-1), 0.0)"),
        replace((RETURNED, f"return self.classifier({MEAN}).masked_fill(empty, 0.0)")),
    ],
    one_token_taken=[
        replace(MEAN, "y[:, 0]"),
        replace((MEAN, "y[:, 0]"), NO_GUARD),
        replace((MEAN, "y[:, 0]"), (MASK, "None")),
    ],
    last_token_taken=[
        replace(MEAN, "y[:, -1]"),
        replace((MEAN, "y[:, -1]"), NO_GUARD),
        replace((MEAN, "y[:, -1]"), (MASK, "None")),
    ],
    sum_not_mean=replace(MEAN, "total"),
    maximum_not_mean=[
        replace(MEAN, 'y.masked_fill(~real.unsqueeze(-1), float("-inf")).amax(dim=1).masked_fill(empty, 0.0)'),
        replace(MEAN, "y.amax(dim=1)"),
    ],
    softmax_returned=[
        replace(RETURNED, f"return torch.softmax(self.classifier({MEAN}), dim=-1)"),
        replace(RETURNED, f"return torch.log_softmax(self.classifier({MEAN}), dim=-1)"),
        replace(RETURNED, f"return torch.sigmoid(self.classifier({MEAN}))"),
    ],
    residual_added=replace(FILLED, "(y + x).masked_fill(~real.unsqueeze(-1), 0.0)"),
    attention_unused=replace(FILLED, "x.masked_fill(~real.unsqueeze(-1), 0.0)"),
    pair_not_unpacked=[
        replace(("y, _ = self", "y = self"), (FILLED, "(y + x)")),
        replace(("y, _ = self", "y = self"), (FILLED, "(y * real.unsqueeze(-1))")),
        replace("y, _ = self", "y = self"),
    ],
    batch_mixed=[
        replace(("batch_first=True", "batch_first=False"), (f", key_padding_mask={MASK}", "")),
        replace("batch_first=True", "batch_first=False"),
    ],
    dropout_added=[
        replace("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        replace(MEAN, f"F.dropout({MEAN}, 0.1, self.training)"),
    ],
    returns_float32=replace(RETURNED, f"return self.classifier({MEAN}).float()"),
    gradient_cut=[
        replace("self.attention(x, x, x,", "self.attention(x.detach(), x.detach(), x.detach(),"),
        replace("total = y.", "total = y.detach()."),
    ],
    tokens_changed=replace(
        "x = self.embedding(tokens)", "x = self.embedding(tokens)\n        tokens[tokens == self.pad_id] = 1"
    ),
)

exercise = Exercise(
    targets=("TextClassifier",), outputs=("logits",), cases=cases, mistakes=mistakes, oracles=(TextClassifier,)
)
