"""How the translation model is graded."""

from collections.abc import Iterator
from typing import Any

import torch
from shared import instead_of, loud, together_or_alone, without_gradients, words, wrong_causal_masks
from torch import nn

from grader.authoring import Case, Exercise, Inputs, built, known, replace, standard


def cases(rand: Inputs) -> Iterator[Case]:
    def model(*init: int, src: list[str], T: int, **named: int) -> Any:
        """Built so, with sources that look so and as many targets of T words."""
        pad_id = named.get("pad_id", 0)
        return built(*init, **named)(
            words(rand, init[0], src, pad_id), words(rand, init[1], ["w" * T] * len(src), pad_id)
        )

    def masked(reason: str, called: Any, **options: Any) -> Case:
        return Case(reason, called, family="masking", **options)

    # With one target token there is no future, and without padding nothing to hide: what fails here is no mask.
    nothing = model(11, 13, 12, 2, max_len=9, src=["wwwww"] * 3, T=1)
    yield Case("one target token, nothing to hide", nothing, gradients=True, public=True)
    longer = model(7, 9, 8, 4, src=["www"] * 2, T=6)
    yield masked("more target than source", longer, gradients=True, twice=True, public=True)
    yield masked("as many words on both sides", model(7, 9, 6, 3, max_len=5, src=["wwww"] * 2, T=4))
    padded = model(11, 8, 10, 5, max_len=16, src=["wwwww..", "wwwwwww", "wwwwww."], T=4)
    yield masked("source padding", padded, gradients=True, public=True)
    much = model(11, 8, 6, 2, max_len=16, src=["w........", "wwwwwwwww"], T=1)
    yield masked("much source padding, one target token", much)
    anywhere = model(7, 9, 8, 2, pad_id=4, src=[".ww.ww", "wwwww."], T=5)
    yield masked("another pad_id, padding anywhere", anywhere)
    used_up = model(5, 7, 6, 1, 0, 1, src=["w"], T=1)
    yield Case("one word to one word, one head, positions used up", used_up, family="shape")
    training = model(7, 9, 6, 2, 0, 8, src=["wwwww"] * 2, T=3).train()
    yield Case("training mode: there is no dropout", training, family="state")
    high = model(11, 8, 10, 5, max_len=16, src=["wwwww..", ".wwwwww", "wwwwww."], T=4)
    yield masked("source padding where scores are in the hundreds", high, probe=loud, tolerance=1e-3)
    dtypes = ("float64", "bfloat16")
    yield from standard(lambda: model(7, 9, 6, 2, 0, 8, src=["wwwww", "wwww."], T=3), dtypes=dtypes, strides=False)
    used = model(13, 11, 8, 2, src=["wwwwww", "www...", "wwwww."], T=5)
    yield masked("eval() under no_grad", used, probe=without_gradients)


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


SRC, TGT = "self.src_embedding(src)", "self.tgt_embedding(tgt)"
SRC_PLACES, TGT_PLACES = "torch.arange(S, device=src.device)", "torch.arange(T, device=tgt.device)"
SRC_POSITIONS, TGT_POSITIONS = f" + self.positions({SRC_PLACES})", f" + self.positions({TGT_PLACES})"
PADDING = "padding = src == self.pad_id"
GIVEN = ", key_padding_mask=padding"
ENCODER = f"self.encoder_attention(x, x, x{GIVEN})"
DECODER = "self.decoder_attention(y, y, y, attn_mask=future)"
CROSS = f"self.cross_attention(y, memory, memory{GIVEN})"
ENCODER_OPEN = (ENCODER, ENCODER.replace(GIVEN, ""))
CROSS_OPEN = (CROSS, CROSS.replace(GIVEN, ""))
INVERTED = (PADDING, PADDING.replace("==", "!="))
LOGITS = "self.head(y)"


def causal_too(attention: str, rows: str) -> Any:
    """Keys are hidden as if they were the future of these rows."""
    future = f", attn_mask=torch.ones({rows}, S, dtype=torch.bool, device=src.device).triu(1)"
    return replace(attention, attention.replace(GIVEN, future + GIVEN))


def crossing(*inputs: str) -> list[Any]:
    """The cross-attention asked by, and about, other things."""
    return instead_of(CROSS, *(CROSS.replace("y, memory, memory", what) for what in inputs))


mistakes = known(
    **wrong_causal_masks("tgt"),
    source_padding_visible=[
        replace(ENCODER_OPEN, CROSS_OPEN),
        replace((f"{SRC} +", f"{SRC} * ~padding.unsqueeze(-1) +"), ENCODER_OPEN, CROSS_OPEN),
    ],
    source_padding_visible_encoder=[
        replace(*ENCODER_OPEN),
        replace(("memory = x +", "x = x * ~padding.unsqueeze(-1)\n        memory = x +"), ENCODER_OPEN),
    ],
    source_padding_visible_cross=replace(*CROSS_OPEN),
    padding_mask_inverted=[
        replace(*INVERTED),
        *(replace(attention, attention.replace("=padding", "=~padding")) for attention in (ENCODER, CROSS)),
        replace(INVERTED, (GIVEN, f"{GIVEN}, need_weights=False")),
    ],
    pad_id_fixed=replace("src == self.pad_id", "src == 0"),
    encoder_causal=causal_too(ENCODER, "S"),
    cross_attention_causal=causal_too(CROSS, "T"),
    cross_attends_target=[
        *instead_of(CROSS, "self.cross_attention(y, y, y)", "self.cross_attention(y, y, y, attn_mask=future)"),
        *crossing("y, y, y", "y, memory, y"),
    ],
    cross_from_wrong_side=[
        replace(f"y = y + {CROSS}[0]", f"y = {residual}self.cross_attention(memory, y, y{mask})[0]")
        for residual in ("memory + ", "y + ", "")
        for mask in ("", GIVEN)
    ],
    cross_attends_embeddings=crossing("y, x, x", "y, memory, x", "y, x, memory"),
    positions_missing=together_or_alone((SRC_POSITIONS, ""), (TGT_POSITIONS, "")),
    positions_from_one=[
        replace(("arange(S,", "arange(1, S + 1,"), ("arange(T,", "arange(1, T + 1,")),
        replace("arange(T,", "arange(S, S + T,"),
    ],
    positions_over_batch=replace(
        (SRC_PLACES, "torch.arange(src.shape[0], device=src.device).unsqueeze(1)"),
        (TGT_PLACES, "torch.arange(tgt.shape[0], device=tgt.device).unsqueeze(1)"),
    ),
    residual_missing=together_or_alone(
        ("memory = x + ", "memory = "),
        ("y = y + self.decoder", "y = self.decoder"),
        ("y = y + self.cross", "y = self.cross"),
    ),
    decoder_self_attention_unused=replace(f"y = y + {DECODER}[0]", "y = y"),
    layers_mixed_up=[
        replace("self.cross_attention(y", "self.decoder_attention(y"),
        replace("self.decoder_attention(y", "self.encoder_attention(y"),
        replace((DECODER, DECODER.replace("decoder", "cross")), (CROSS, CROSS.replace("cross", "decoder"))),
        replace(TGT, "self.src_embedding(tgt.clamp(max=self.src_embedding.num_embeddings - 1))"),
    ],
    embedding_scaled=replace(*((f"{part} +", f"{part} * self.head.in_features**0.5 +") for part in (SRC, TGT))),
    softmax_returned=instead_of(LOGITS, f"torch.softmax({LOGITS}, dim=-1)", f"torch.log_softmax({LOGITS}, dim=-1)"),
    head_missing=replace(LOGITS, "y"),
    only_last_position=instead_of(LOGITS, "self.head(y[:, -1])", "self.head(y[:, -1:])", "self.head(y.mean(dim=1))"),
    pair_not_unpacked=[
        *(replace(f"{attention}[0]", attention) for attention in (ENCODER, DECODER, CROSS)),
        replace(f"x + {ENCODER}[0]", ENCODER),
    ],
    batch_mixed=replace(", batch_first=True", ""),
    gradient_cut=[*crossing("y, memory.detach(), memory.detach()"), replace(SRC, f"{SRC}.detach()")],
    dropout_added=[
        replace("num_heads, batch_first", "num_heads, dropout=0.1, batch_first"),
        replace(LOGITS, "self.head(F.dropout(y, 0.1, self.training))"),
    ],
    returns_float32=replace(LOGITS, f"{LOGITS}.float()"),
    tokens_changed=replace(PADDING, f"{PADDING}\n        src[padding] = 1"),
)

exercise = Exercise(
    targets=("TranslationModel",), outputs=("logits",), cases=cases, mistakes=mistakes, oracles=(TranslationModel,)
)
