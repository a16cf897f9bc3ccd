# family: masking, numerics
# mistake: padding is hidden with -100 instead of -inf: seen again when the scores are large
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
        S, T = src.shape[1], tgt.shape[1]
        p = self.positions(torch.arange(max(S, T), device=src.device))
        x = self.src_embedding(src) + p[:S]
        padding = (src == self.pad_id).to(x.dtype) * -100.0
        memory = x + self.encoder_attention(x, x, x, key_padding_mask=padding)[0]
        y = self.tgt_embedding(tgt) + p[:T]
        causal = torch.full((T, T), float("-inf"), device=src.device, dtype=x.dtype).triu(1)
        y = y + self.decoder_attention(y, y, y, attn_mask=causal)[0]
        y = y + self.cross_attention(y, memory, memory, key_padding_mask=padding)[0]
        return self.head(y)
