from enum import Enum
from typing import NamedTuple


class Scores(NamedTuple):
    batch: int
    heads: int
    queries: int
    keys: int


class Kind(str, Enum):
    SELF = "self"
    CAUSAL = "causal-self"
    CROSS = "cross"


def score_shape(batch: int, heads: int, query_len: int, context_len: int) -> tuple:
    return Scores(keys=context_len, queries=query_len, heads=heads, batch=batch)


_TABLE = {(True, False): Kind.SELF, (True, True): Kind.CAUSAL, (False, False): Kind.CROSS}


def attention_kind(query_source: str, key_source: str, causal: bool = False) -> str:
    try:
        return _TABLE[query_source == key_source, bool(causal)].value
    except KeyError:
        raise ValueError("causal cross-attention has no meaning") from None
