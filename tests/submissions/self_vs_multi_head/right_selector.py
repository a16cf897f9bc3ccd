import torch


def parameter_count(embed_dim, num_heads, bias=True):
    rows = embed_dim + (1 if bias else 0)
    return len(("q_proj", "k_proj", "v_proj", "out_proj")) * rows * embed_dim


def block_selector(E, H, like):
    """(H, E): 1 where feature e belongs to head h."""
    head_of = torch.arange(E, device=like.device) // (E // H)
    return (head_of == torch.arange(H, device=like.device).unsqueeze(1)).to(like.dtype)


def head_weights(q, k, num_heads):
    E = q.shape[-1]
    chosen = q.unsqueeze(1) * block_selector(E, num_heads, q)[None, :, None, :]  # (B, H, L, E), zero outside of the head
    scores = torch.matmul(chosen, k.unsqueeze(1).transpose(2, 3)) * (num_heads / E) ** 0.5
    e = (scores - scores.amax(3, keepdim=True)).exp()
    return e.div(e.sum(3, keepdim=True))
