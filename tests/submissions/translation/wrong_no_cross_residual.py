# family: numerics
# mistake: The residual around the cross-attention is missing.
import torch
from torch import nn


class TranslationModel(nn.Module):
    def __init__(self, src_vocab, tgt_vocab, embed_dim, num_heads, pad_id=0, max_len=512):
        super().__init__()
        self.pad_id = pad_id
        self.src_embedding = nn.Embedding(src_vocab, embed_dim, padding_idx=pad_id)
        self.tgt_embedding = nn.Embedding(tgt_vocab, embed_dim, padding_idx=pad_id)
        self.positions = nn.Embedding(max_len, embed_dim)
        self.encoder_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.decoder_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.cross_attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.head = nn.Linear(embed_dim, tgt_vocab)

    def forward(self, src, tgt):
        pos = torch.arange(max(src.shape[1], tgt.shape[1]), device=src.device)
        pad = src.eq(self.pad_id)
        x = self.src_embedding(src) + self.positions(pos[: src.shape[1]])
        mem = self.encoder_attention(x, x, x, key_padding_mask=pad)[0] + x
        y = self.tgt_embedding(tgt) + self.positions(pos[: tgt.shape[1]])
        later = pos[: tgt.shape[1], None] < pos[: tgt.shape[1]]
        y = self.decoder_attention(y, y, y, attn_mask=later)[0] + y
        y = self.cross_attention(y, mem, mem, key_padding_mask=pad)[0]
        return self.head(y)
