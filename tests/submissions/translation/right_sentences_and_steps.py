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
        """Sentence by sentence with the padding cut out, and target step by step: not one mask."""
        places_src = torch.arange(src.shape[1], device=src.device)
        places_tgt = torch.arange(tgt.shape[1], device=tgt.device)
        logits = []
        for one_src, one_tgt in zip(src, tgt):
            kept = torch.nonzero(one_src != self.pad_id).squeeze(1)
            x = (self.src_embedding(one_src[kept]) + self.positions(places_src[kept])).unsqueeze(0)
            memory = x + self.encoder_attention(x, x, x)[0]
            y = (self.tgt_embedding(one_tgt) + self.positions(places_tgt)).unsqueeze(0)
            rows = []
            for t in range(y.shape[1]):
                now, past = y[:, t : t + 1], y[:, : t + 1]
                now = now + self.decoder_attention(now, past, past)[0]
                rows.append(now + self.cross_attention(now, memory, memory)[0])
            logits.append(self.head(torch.cat(rows, 1)))
        return torch.cat(logits, 0)
