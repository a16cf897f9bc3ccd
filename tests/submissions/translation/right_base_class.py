import torch
from torch import Tensor, nn


class _Attend(nn.MultiheadAttention):
    """Residual attention with masks in the True = may attend convention."""

    def forward(self, x: Tensor, memory: Tensor, keys: Tensor | None = None, pairs: Tensor | None = None) -> Tensor:
        out, _ = super().forward(
            x, memory, memory,
            key_padding_mask=None if keys is None else ~keys,
            attn_mask=None if pairs is None else ~pairs,
        )
        return x + out


class TranslationModel(nn.Module):
    def __init__(self, src_vocab: int, tgt_vocab: int, embed_dim: int, num_heads: int, pad_id: int = 0,
                 max_len: int = 512) -> None:
        super().__init__()
        self.pad_id = pad_id
        self.src_embedding = nn.Embedding(src_vocab, embed_dim, padding_idx=pad_id)
        self.tgt_embedding = nn.Embedding(tgt_vocab, embed_dim, padding_idx=pad_id)
        self.positions = nn.Embedding(max_len, embed_dim)
        for name in ("encoder_attention", "decoder_attention", "cross_attention"):
            setattr(self, name, _Attend(embed_dim, num_heads, batch_first=True))
        self.head = nn.Linear(embed_dim, tgt_vocab)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        index = torch.arange(max(src.size(1), tgt.size(1)), device=src.device)
        places = self.positions(index)
        x = self.src_embedding(src) + places[: src.size(1)]
        y = self.tgt_embedding(tgt) + places[: tgt.size(1)]
        real = src != self.pad_id
        past = torch.ones(tgt.size(1), tgt.size(1), device=tgt.device).tril().bool()
        memory = self.encoder_attention(x, x, keys=real)
        y = self.decoder_attention(y, y, pairs=past)
        return self.head(self.cross_attention(y, memory, keys=real))
