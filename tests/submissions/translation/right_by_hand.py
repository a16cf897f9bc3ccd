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
        """Attention written out with torch.where and an explicit sum; masks here are True = may attend."""
        real = (src - self.pad_id != 0).unsqueeze(-2)
        x = self._embed(self.src_embedding, src)
        y = self._embed(self.tgt_embedding, tgt)
        memory = x + _attend(self.encoder_attention, x, x, real)
        order = torch.arange(tgt.shape[-1], device=tgt.device)
        y = y + _attend(self.decoder_attention, y, y, (order.unsqueeze(1) >= order).unsqueeze(0))
        y = y + _attend(self.cross_attention, y, memory, real)
        return y @ self.head.weight.t() + self.head.bias

    def _embed(self, table, ids):
        return table(ids) + self.positions.weight.narrow(0, 0, ids.shape[-1])


def _attend(layer, q_in, kv_in, may):
    E, out = layer.embed_dim, []
    q = F.linear(q_in, layer.in_proj_weight[:E], layer.in_proj_bias[:E])
    kv = F.linear(kv_in, layer.in_proj_weight[E:], layer.in_proj_bias[E:])
    for h in range(layer.num_heads):
        part = slice(h * layer.head_dim, (h + 1) * layer.head_dim)
        scores = q[..., part] @ kv[..., :E][..., part].transpose(-2, -1) / layer.head_dim**0.5
        scores = torch.where(may, scores, torch.full_like(scores, -torch.inf))
        e = (scores - scores.max(-1, keepdim=True).values).exp()
        out.append((e / e.sum(-1, keepdim=True)) @ kv[..., E:][..., part])
    return F.linear(torch.cat(out, -1), layer.out_proj.weight, layer.out_proj.bias)
