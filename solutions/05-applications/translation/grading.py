"""How the translation model is graded."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace


def words(
    rand: Inputs, vocab: int, B: int, L: int, pad_id: int = 0, padding: tuple[tuple[int, int], ...] = ()
) -> Tensor:
    """(B, L) without ``pad_id`` but at the places (row, column) of ``padding``."""
    tokens = rand.integers(1, vocab, B, L)
    tokens = torch.where(tokens == pad_id, torch.zeros_like(tokens), tokens)
    for row, column in padding:
        tokens[row, column] = pad_id
    return tokens


def cases(rand: Inputs) -> Iterator[Case]:
    # With one target token there is no future, and without padding nothing to hide: what fails here is no mask.
    yield Case(
        "one target token, nothing to hide",
        built(11, 13, 12, 2, max_len=9)(words(rand, 11, 3, 5), words(rand, 13, 3, 1)),
        gradients=True,
        public=True,
    )
    yield Case(
        "more target than source",
        built(7, 9, 8, 4)(words(rand, 7, 2, 3), words(rand, 9, 2, 6)),
        family="masking",
        gradients=True,
        twice=True,
        public=True,
    )
    yield Case(
        "as many words on both sides",
        built(7, 9, 6, 3, max_len=5)(words(rand, 7, 2, 4), words(rand, 9, 2, 4)),
        family="masking",
    )
    yield Case(
        "source padding",
        built(11, 8, 10, 5, max_len=16)(words(rand, 11, 3, 7, padding=((0, 5), (0, 6), (2, 6))), words(rand, 8, 3, 4)),
        family="masking",
        gradients=True,
        public=True,
    )
    yield Case(
        "much source padding, one target token",
        built(11, 8, 6, 2, max_len=16)(
            words(rand, 11, 2, 9, padding=tuple((0, i) for i in range(1, 9))), words(rand, 8, 2, 1)
        ),
        family="masking",
    )
    yield Case(
        "another pad_id, padding anywhere",
        built(7, 9, 8, 2, 4)(words(rand, 7, 2, 6, 4, ((0, 0), (0, 3), (1, 5))), words(rand, 9, 2, 5, 4)),
        family="masking",
    )
    yield Case(
        "one word to one word, one head, positions used up",
        built(5, 7, 6, 1, 0, 1)(words(rand, 5, 1, 1), words(rand, 7, 1, 1)),
        family="shape",
    )
    yield Case(
        "training mode: there is no dropout",
        built(7, 9, 6, 2, 0, 8).train()(words(rand, 7, 2, 5), words(rand, 9, 2, 3)),
        family="state",
    )
    yield Case(
        "source padding where scores are in the hundreds",
        built(11, 8, 10, 5, max_len=16)(
            words(rand, 11, 3, 7, padding=((0, 5), (0, 6), (1, 0), (2, 6))), words(rand, 8, 3, 4)
        ),
        family="masking",
        probe=loud,
        tolerance=1e-3,
    )
    yield Case(
        "float64",
        built(7, 9, 6, 2, 0, 8)(words(rand, 7, 2, 5, padding=((1, 4),)), words(rand, 9, 2, 3)),
        family="dtype",
        dtype="float64",
    )
    yield Case(
        "bfloat16",
        built(7, 5, 8, 2, 0, 6)(words(rand, 7, 2, 4, padding=((1, 3),)), words(rand, 5, 2, 3)),
        family="dtype",
        dtype="bfloat16",
    )


def loud(module, src, tgt):
    import torch

    with torch.no_grad():
        module.src_embedding.weight.mul_(40.0)
        module.tgt_embedding.weight.mul_(40.0)
    return module(src, tgt)


def TranslationModel(src_vocab, tgt_vocab, embed_dim, num_heads, pad_id=0, max_len=512):
    """The oracle: every sentence alone and without its padding, every target position from its own prefix."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.src_embedding = nn.Embedding(src_vocab, embed_dim, padding_idx=pad_id)
            self.tgt_embedding = nn.Embedding(tgt_vocab, embed_dim, padding_idx=pad_id)
            self.positions = nn.Embedding(max_len, embed_dim)
            for name in ("encoder_attention", "decoder_attention", "cross_attention"):
                self.add_module(name, nn.MultiheadAttention(embed_dim, num_heads, batch_first=True))
            self.head = nn.Linear(embed_dim, tgt_vocab)

        def forward(self, src, tgt):
            return torch.stack([self.one(*pair) for pair in zip(src, tgt, strict=True)])

        def one(self, src, tgt):
            x = (self.src_embedding(src) + self.positions.weight[: len(src)])[src != pad_id]
            memory = x + self.encoder_attention(x, x, x)[0]
            y = self.tgt_embedding(tgt) + self.positions.weight[: len(tgt)]
            rows = []
            for t in range(len(tgt)):
                last = y[t : t + 1]
                last = last + self.decoder_attention(last, y[: t + 1], y[: t + 1])[0]
                rows.append(last + self.cross_attention(last, memory, memory)[0])
            return self.head(torch.cat(rows))

    return Model()


FUTURE = "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu(1)"
SRC_POSITIONS = " + self.positions(torch.arange(S, device=src.device))"
TGT_POSITIONS = " + self.positions(torch.arange(T, device=tgt.device))"
ENCODER = "self.encoder_attention(x, x, x, key_padding_mask=padding)"
DECODER = "self.decoder_attention(y, y, y, attn_mask=future)"
CROSS = "self.cross_attention(y, memory, memory, key_padding_mask=padding)"
ENCODER_OPEN = (ENCODER, "self.encoder_attention(x, x, x)")
CROSS_OPEN = (CROSS, "self.cross_attention(y, memory, memory)")
RESIDUALS = {
    "encoder": ("memory = x + ", "memory = "),
    "decoder": ("y = y + self.decoder", "y = self.decoder"),
    "cross": ("y = y + self.cross", "y = self.cross"),
}
NO_WEIGHTS = ("attn_mask=future", "attn_mask=future, need_weights=False")

mistakes = known(
    future_visible=[replace(", attn_mask=future", ""), replace(FUTURE, "torch.zeros(T, T, device=tgt.device)")],
    causal_mask_inverted=[
        replace(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).tril()"),
        replace((FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).tril()"), NO_WEIGHTS),
        replace(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).tril(-1)"),
    ],
    causal_mask_off_by_one=[
        replace(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu()"),
        replace((FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu()"), NO_WEIGHTS),
        replace(FUTURE, "torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu(2)"),
    ],
    causal_mask_as_numbers=[
        replace(FUTURE, "torch.ones(T, T, device=tgt.device, dtype=self.head.weight.dtype).triu(1)"),
        replace(FUTURE, "torch.ones(T, T, device=tgt.device, dtype=self.head.weight.dtype).tril()"),
    ],
    causal_mask_nan=[
        replace(FUTURE, "torch.ones(T, T).triu(1).to(self.head.weight) * float('-inf')"),
        replace(FUTURE, "torch.ones(T, T).triu(1) * float('-inf')"),
    ],
    source_padding_visible=[
        replace(ENCODER_OPEN, CROSS_OPEN),
        replace(
            ("self.src_embedding(src) +", "self.src_embedding(src) * ~padding.unsqueeze(-1) +"),
            ENCODER_OPEN,
            CROSS_OPEN,
        ),
    ],
    source_padding_visible_encoder=[
        replace(*ENCODER_OPEN),
        replace(("memory = x +", "x = x * ~padding.unsqueeze(-1)\n        memory = x +"), ENCODER_OPEN),
    ],
    source_padding_visible_cross=replace(*CROSS_OPEN),
    padding_mask_inverted=[
        replace("padding = src == self.pad_id", "padding = src != self.pad_id"),
        replace((ENCODER, ENCODER.replace("=padding", "=~padding"))),
        replace((CROSS, CROSS.replace("=padding", "=~padding"))),
        replace(
            ("padding = src == self.pad_id", "padding = src != self.pad_id"),
            ("key_padding_mask=padding", "key_padding_mask=padding, need_weights=False"),
        ),
    ],
    pad_id_fixed=replace("src == self.pad_id", "src == 0"),
    encoder_causal=replace(
        ENCODER,
        ENCODER.replace(
            "x, x, x,", "x, x, x, attn_mask=torch.ones(S, S, dtype=torch.bool, device=src.device).triu(1),"
        ),
    ),
    cross_attention_causal=replace(
        CROSS,
        CROSS.replace(
            "memory, key", "memory, attn_mask=torch.ones(T, S, dtype=torch.bool, device=src.device).triu(1), key"
        ),
    ),
    cross_attends_target=[
        replace(CROSS, "self.cross_attention(y, y, y)"),
        replace(CROSS, "self.cross_attention(y, y, y, attn_mask=future)"),
        replace(CROSS, CROSS.replace("memory, memory", "y, y")),
        replace(CROSS, CROSS.replace("memory, memory", "memory, y")),
    ],
    cross_from_wrong_side=[
        *(
            replace(f"y = y + {CROSS}[0]", f"y = {residual}self.cross_attention(memory, y, y{mask})[0]")
            for residual in ("memory + ", "y + ", "")
            for mask in ("", ", key_padding_mask=padding")
        )
    ],
    cross_attends_embeddings=[
        replace(CROSS, CROSS.replace("memory, memory", "x, x")),
        replace(CROSS, CROSS.replace("memory, memory", "memory, x")),
        replace(CROSS, CROSS.replace("memory, memory", "x, memory")),
    ],
    positions_missing=[
        replace((SRC_POSITIONS, ""), (TGT_POSITIONS, "")),
        replace(SRC_POSITIONS, ""),
        replace(TGT_POSITIONS, ""),
    ],
    positions_from_one=[
        replace(("torch.arange(S,", "torch.arange(1, S + 1,"), ("torch.arange(T,", "torch.arange(1, T + 1,")),
        replace("torch.arange(T,", "torch.arange(S, S + T,"),
    ],
    positions_over_batch=replace(
        ("torch.arange(S, device=src.device)", "torch.arange(src.shape[0], device=src.device).unsqueeze(1)"),
        ("torch.arange(T, device=tgt.device)", "torch.arange(tgt.shape[0], device=tgt.device).unsqueeze(1)"),
    ),
    residual_missing=[replace(*RESIDUALS.values()), *(replace(*pair) for pair in RESIDUALS.values())],
    decoder_self_attention_unused=replace(f"y = y + {DECODER}[0]", "y = y"),
    layers_mixed_up=[
        replace("self.cross_attention(y", "self.decoder_attention(y"),
        replace("self.decoder_attention(y", "self.encoder_attention(y"),
        replace((DECODER, DECODER.replace("decoder", "cross")), (CROSS, CROSS.replace("cross", "decoder"))),
        replace("self.tgt_embedding(tgt)", "self.src_embedding(tgt.clamp(max=self.src_embedding.num_embeddings - 1))"),
    ],
    embedding_scaled=replace(
        ("_embedding(src) +", "_embedding(src) * scale +"),
        ("_embedding(tgt) +", "_embedding(tgt) * scale +"),
        ("S, T =", "scale = self.head.in_features**0.5\n        S, T ="),
    ),
    softmax_returned=[
        replace("return self.head(y)", "return torch.softmax(self.head(y), dim=-1)"),
        replace("return self.head(y)", "return torch.log_softmax(self.head(y), dim=-1)"),
    ],
    head_missing=replace("return self.head(y)", "return y"),
    only_last_position=[
        replace("return self.head(y)", "return self.head(y[:, -1])"),
        replace("return self.head(y)", "return self.head(y[:, -1:])"),
        replace("return self.head(y)", "return self.head(y.mean(dim=1))"),
    ],
    pair_not_unpacked=[
        replace(f"{ENCODER}[0]", ENCODER),
        replace(f"{DECODER}[0]", DECODER),
        replace(f"{CROSS}[0]", CROSS),
        replace((f"x + {ENCODER}[0]", ENCODER)),
    ],
    batch_mixed=replace(", batch_first=True", ""),
    gradient_cut=[
        replace("(y, memory, memory,", "(y, memory.detach(), memory.detach(),"),
        replace("x = self.src_embedding(src)", "x = self.src_embedding(src).detach()"),
    ],
    dropout_added=[
        replace("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        replace("self.head(y)", "self.head(F.dropout(y, 0.1, self.training))"),
    ],
    returns_float32=replace("return self.head(y)", "return self.head(y).float()"),
    tokens_changed=replace("padding = src == self.pad_id", "padding = src == self.pad_id\n        src[padding] = 1"),
)

exercise = Exercise(
    targets=("TranslationModel",), outputs=("logits",), cases=cases, mistakes=mistakes, oracles=(TranslationModel,)
)
