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

    def _embed(self, table, tokens):
        return table(tokens) + self.positions.weight[: tokens.shape[1]]

    def encode(self, src):
        x = self._embed(self.src_embedding, src)
        attended, _ = self.encoder_attention(x, x, x, key_padding_mask=src.eq(self.pad_id), need_weights=False)
        return attended + x

    def decode(self, tgt, memory, src_padding):
        y = self._embed(self.tgt_embedding, tgt)
        steps = torch.arange(tgt.shape[1], device=tgt.device)
        hidden = steps[None, :] > steps[:, None]
        y = y + self.decoder_attention(y, y, y, attn_mask=hidden, need_weights=False)[0]
        context, _ = self.cross_attention(y, memory, memory, key_padding_mask=src_padding, need_weights=False)
        return self.head(y + context)

    def forward(self, src, tgt):
        return self.decode(tgt, self.encode(src), src.eq(self.pad_id))
