import torch
import torch.nn.functional as F
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
        """Only attn_mask is used: boolean, one a head and sentence (B·heads, L, S), in the library's sense."""
        B, S = src.shape
        T = tgt.shape[1]
        heads = self.encoder_attention.num_heads
        table = self.positions(torch.arange(max(S, T), device=src.device))
        x = self.src_embedding(src) + table[:S]
        y = self.tgt_embedding(tgt) + table[:T]
        padding = torch.eq(src, self.pad_id)[:, None, None, :]

        def per_head(rows):
            return padding.expand(B, heads, rows, S).reshape(B * heads, rows, S)

        x = x + self.encoder_attention(x, x, x, attn_mask=per_head(S), need_weights=False)[0]
        future = torch.arange(T, device=y.device).view(1, 1, T) > torch.arange(T, device=y.device).view(1, T, 1)
        y = y + self.decoder_attention(y, y, y, attn_mask=future.repeat(B * heads, 1, 1), need_weights=False)[0]
        y = y + self.cross_attention(y, x, x, attn_mask=per_head(T), need_weights=False)[0]
        return self.head(y)
