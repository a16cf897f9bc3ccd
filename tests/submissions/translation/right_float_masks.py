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
        dtype = self.head.weight.dtype
        B, T = tgt.shape
        H = self.decoder_attention.num_heads
        minus_inf = torch.tensor(float("-inf"), dtype=dtype, device=src.device)
        zero = torch.zeros((), dtype=dtype, device=src.device)
        pad = torch.where(src == self.pad_id, minus_inf, zero)
        future = torch.full((T, T), float("-inf"), dtype=dtype, device=src.device).triu(1).repeat(B * H, 1, 1)

        x = self.src_embedding(src) + self.positions(torch.arange(src.size(1), device=src.device))[None]
        memory = x + self.encoder_attention(x, x, x, key_padding_mask=pad)[0]
        y = self.tgt_embedding(tgt) + self.positions(torch.arange(T, device=tgt.device))[None]
        y = y + self.decoder_attention(y, y, y, attn_mask=future)[0]
        y = y + self.cross_attention(query=y, key=memory, value=memory, key_padding_mask=pad)[0]
        return self.head(y)
