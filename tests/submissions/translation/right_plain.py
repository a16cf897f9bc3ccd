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
        S, T = src.size(1), tgt.size(1)
        pad = src == self.pad_id
        x = self.src_embedding(src) + self.positions(torch.arange(S, device=src.device))
        memory = x + self.encoder_attention(x, x, x, key_padding_mask=pad)[0]
        y = self.tgt_embedding(tgt) + self.positions(torch.arange(T, device=tgt.device))
        future = torch.ones(T, T, dtype=torch.bool, device=tgt.device).triu(1)
        y = y + self.decoder_attention(y, y, y, attn_mask=future)[0]
        y = y + self.cross_attention(y, memory, memory, key_padding_mask=pad)[0]
        return self.head(y)
