"""How the text classifier is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of, loud, without_gradients, words
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def model(*init: int, rows: list[str], **named: int) -> Any:
        """Built so and given sentences that look so."""
        return built(*init, **named)(words(rand, init[0], rows, **named))

    def masked(reason: str, called: Any, **options: Any) -> Case:
        return Case(reason, called, family="masking", **options)

    whole = model(11, 12, 3, 4, rows=["wwwww", "wwwww"])
    yield Case("no padding, every size different", whole, gradients=True, twice=True, public=True)
    yield Case("one sentence of one token, one head", model(7, 6, 1, 3, rows=["w"]), family="shape")
    at_the_end = model(13, 8, 2, 5, rows=["wwwwww", "ww....", "wwww.."])
    yield masked("padding at the end", at_the_end, gradients=True, public=True)
    yield masked("much padding", model(9, 10, 5, 4, rows=["www..............", "w................"]))
    yield masked("padding at the start", model(13, 8, 4, 2, rows=["....www", "..wwwww", "wwwwwww"]))
    yield masked("another pad_id, padding anywhere", model(13, 6, 3, 4, rows=["w..w..w", "w.ww.ww"], pad_id=4))
    yield masked("a row of nothing but padding", model(11, 8, 2, 6, rows=["wwww.", ".....", "wwwww"]), gradients=True)
    training = model(11, 6, 2, 4, rows=["wwwww", "www.."]).train()
    yield Case("training mode: there is no dropout", training, family="state")
    high = model(13, 8, 2, 5, rows=["www....", "wwwww..", "wwwwww.", "wwww..."])
    yield masked("padding where scores are in the hundreds", high, probe=loud, tolerance=1e-3)
    dtypes = ("float64", "bfloat16")
    yield from standard(lambda: model(9, 6, 2, 4, rows=["wwwww", "www.."]), dtypes=dtypes, strides=False)
    used = model(11, 8, 2, 6, rows=["wwww.", ".....", "wwwww"])
    yield masked("eval() under no_grad, a row of nothing but padding", used, probe=without_gradients)


def TextClassifier(vocab_size, embed_dim, num_heads, num_classes, pad_id=0):
    """The oracle: every sentence alone and without its padding. No words add up to zeros."""

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=pad_id)
            self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
            self.classifier = nn.Linear(embed_dim, num_classes)

        def forward(self, tokens):
            return self.classifier(torch.stack([self.mean(row[row != pad_id]) for row in tokens]))

        def mean(self, words):
            x = self.embedding(words)
            return self.attention(x, x, x)[0].mean(0) if len(words) else x.sum(0)

    return Classifier()


REAL = "tokens != self.pad_id"
EMBEDDED = "self.embedding(tokens)"
MASK = "~real & ~empty"
FILLED = "y.masked_fill(~real.unsqueeze(-1), 0.0)"
NUMBER = "real.sum(dim=1, keepdim=True)"
COUNT = f"{NUMBER}.clamp(min=1)"
MEAN = f"total / {COUNT}"
LOGITS = f"self.classifier({MEAN})"
NO_GUARD, NO_MASK, NO_CLAMP = (MASK, "~real"), (MASK, "None"), (COUNT, NUMBER)
PLAIN_MEAN, BY_LENGTH = (MEAN, "y.mean(dim=1)"), (COUNT, "real.shape[1]")
# NaN × 0 is NaN, where masked_fill puts a zero.
MULTIPLIED = (FILLED, "(y * real.unsqueeze(-1))")

mistakes = known(
    mean_over_padding=[
        replace(edit, *also) for edit in (PLAIN_MEAN, BY_LENGTH, (FILLED, "y")) for also in ([], [NO_GUARD])
    ],
    padding_attended=[replace(NO_MASK, *also) for also in ([], [(EMBEDDED, f"{EMBEDDED} * real.unsqueeze(-1)")])],
    padding_everywhere=replace(NO_MASK, PLAIN_MEAN),
    padding_mask_inverted=instead_of(
        MASK, "real", "real & ~empty & ~real.all(dim=1, keepdim=True)", "real, need_weights=False"
    ),
    mean_mask_inverted=[
        replace(("~real.unsqueeze", "real.unsqueeze"), *also) for also in ([], [("real.sum", "(~real).sum")])
    ],
    pad_id_fixed=replace(REAL, "tokens != 0"),
    padding_only_at_the_end=replace(REAL, f"torch.arange(tokens.shape[1]) < ({REAL}).sum(dim=1, keepdim=True)"),
    empty_row_nan=[replace(*NO_CLAMP), replace(NO_CLAMP, NO_GUARD), replace(NO_GUARD, MULTIPLIED)],
    # As long as gradients are recorded, the library's context of such a row is zero.
    empty_row_nan_in_use=replace((f"{MASK})", "~real, need_weights=False)"), MULTIPLIED),
    empty_row_nan_gradient=[
        replace(NO_GUARD, (FILLED, "y.nan_to_num().masked_fill(~real.unsqueeze(-1), 0.0)")),
        replace(*NO_GUARD),
        replace(NO_GUARD, (LOGITS, f"self.classifier(({MEAN}).nan_to_num())"), MULTIPLIED),
    ],
    empty_row_not_zero=[
        replace(MEAN, f"torch.where(empty, y.mean(dim=1), {MEAN})"),
        replace(FILLED, "y.masked_fill(~real.unsqueeze(-1) & ~empty.unsqueeze(-1), 0.0)"),
        replace(LOGITS, f"{LOGITS}.masked_fill(empty, 0.0)"),
    ],
    one_token_taken=[replace((MEAN, "y[:, 0]"), *also) for also in ([], [NO_GUARD], [NO_MASK])],
    last_token_taken=[replace((MEAN, "y[:, -1]"), *also) for also in ([], [NO_GUARD], [NO_MASK])],
    sum_not_mean=replace(MEAN, "total"),
    maximum_not_mean=instead_of(
        MEAN, 'y.masked_fill(~real.unsqueeze(-1), float("-inf")).amax(dim=1).masked_fill(empty, 0.0)', "y.amax(dim=1)"
    ),
    softmax_returned=[
        replace(LOGITS, f"{LOGITS}.{it}") for it in ("softmax(dim=1)", "log_softmax(dim=1)", "sigmoid()")
    ],
    residual_added=replace(FILLED, FILLED.replace("y.", "(y + x).")),
    attention_unused=replace(FILLED, FILLED.replace("y.", "x.")),
    pair_not_unpacked=[replace(("y, _ =", "y ="), *also) for also in ([(FILLED, "(y + x)")], [MULTIPLIED], [])],
    batch_mixed=[replace((", batch_first=True", ""), *also) for also in ([NO_MASK], [])],
    dropout_added=[
        replace("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        replace(MEAN, f"F.dropout({MEAN}, 0.1, self.training)"),
    ],
    returns_float32=replace(LOGITS, f"{LOGITS}.float()"),
    gradient_cut=[replace("(x, x, x,", "(x.detach(), x.detach(), x.detach(),"), replace("= y.", "= y.detach().")],
    tokens_changed=replace(EMBEDDED, f"{EMBEDDED}\n        tokens[tokens == self.pad_id] = 1"),
)

exercise = Exercise(
    targets=("TextClassifier",), outputs=("logits",), cases=cases, mistakes=mistakes, oracles=(TextClassifier,)
)
