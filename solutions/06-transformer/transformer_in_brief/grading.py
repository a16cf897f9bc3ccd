"""How the count of a Transformer's parameters is graded."""

from collections.abc import Iterator

from shared import instead_of

from grader.authoring import Case, Exercise, Inputs, call, known, replace


def cases(rand: Inputs) -> Iterator[Case]:
    yield Case("two small layers", call(10, 4, 2, 8), public=True)
    yield Case("two small layers, untied", call(10, 4, 2, 8, tied=False), public=True)
    yield Case("a single layer", call(23, 6, 1, 17))
    yield Case("feed-forward narrower than the model", call(31, 12, 5, 7, tied=True))
    yield Case("many layers, a tiny vocabulary, untied", call(3, 5, 29, 13, False))
    yield Case("GPT-2 small without its positions", call(50_257, 768, 12, 3_072), public=True)
    yield Case("a larger vocabulary, untied", call(32_000, 1_024, 4, 2_816, tied=False))


def transformer_parameters(vocab_size, embed_dim, num_layers, ff_dim, tied=True):
    """The oracle: builds the layers without memory, and lets PyTorch count."""
    from torch import nn

    layer = nn.TransformerEncoderLayer(embed_dim, 1, ff_dim, device="meta")
    parts = [nn.Embedding(vocab_size, embed_dim, device="meta"), nn.LayerNorm(embed_dim, device="meta")]
    if not tied:
        parts.append(nn.Linear(embed_dim, vocab_size, bias=False, device="meta"))
    per_layer = sum(parameter.numel() for parameter in layer.parameters())
    return per_layer * num_layers + sum(parameter.numel() for part in parts for parameter in part.parameters())


EMBEDDING = "embedding = vocab_size * embed_dim"
ATTENTION = "4 * (embed_dim * embed_dim + embed_dim)"
FEED_FORWARD = "(embed_dim * ff_dim + ff_dim) + (ff_dim * embed_dim + embed_dim)"
NORM = "norm = 2 * embed_dim"
LAYER = "attention + feed_forward + 2 * norm"
FINAL_NORM = "+ norm + output"
OUTPUT = "0 if tied else vocab_size * embed_dim"
TOTAL = "embedding + num_layers * layer + norm + output"
NO_ATTENTION_BIAS = (ATTENTION, "4 * embed_dim * embed_dim")
NO_FF_BIAS = (FEED_FORWARD, "2 * embed_dim * ff_dim")
NO_NORM_BIAS = (NORM, "norm = embed_dim")
NO_NORM = (NORM, "norm = 0")
NO_EMBEDDING = (EMBEDDING, "embedding = 0")

mistakes = known(
    biases_forgotten=[
        replace(NO_ATTENTION_BIAS, NO_FF_BIAS),
        replace(*NO_FF_BIAS),
        replace(NO_ATTENTION_BIAS, NO_FF_BIAS, NO_NORM_BIAS),
        replace(NO_FF_BIAS, NO_NORM_BIAS),
        replace(NO_ATTENTION_BIAS, NO_NORM_BIAS),
        *instead_of(FEED_FORWARD, "2 * embed_dim * ff_dim + ff_dim", "2 * embed_dim * ff_dim + embed_dim"),
        replace(ATTENTION, "3 * (embed_dim * embed_dim + embed_dim) + embed_dim * embed_dim"),
        replace(ATTENTION, "4 * embed_dim * embed_dim + embed_dim"),
    ],
    four_vectors_missing=[replace(*NO_ATTENTION_BIAS), replace(LAYER, "attention + feed_forward")],
    bias_of_the_wrong_size=[
        *instead_of(FEED_FORWARD, "2 * embed_dim * ff_dim + 2 * ff_dim", "2 * embed_dim * ff_dim + 2 * embed_dim"),
        replace(FEED_FORWARD, "2 * (embed_dim * ff_dim + ff_dim + embed_dim)"),
        replace(ATTENTION, "4 * (embed_dim * embed_dim + 1)"),
    ],
    out_proj_forgotten=[
        replace(ATTENTION, "3 * (embed_dim * embed_dim + embed_dim)"),
        replace((ATTENTION, "3 * embed_dim * embed_dim"), NO_FF_BIAS),
    ],
    half_a_feed_forward=instead_of(
        FEED_FORWARD, "embed_dim * ff_dim + ff_dim", "embed_dim * ff_dim", "embed_dim * ff_dim + embed_dim"
    ),
    ff_dim_ignored=instead_of(
        FEED_FORWARD,
        "8 * embed_dim * embed_dim + 5 * embed_dim",
        "2 * (ff_dim * ff_dim + ff_dim)",
        "2 * (embed_dim * embed_dim + embed_dim)",
    ),
    norm_bias_forgotten=[
        replace(*NO_NORM_BIAS),
        replace((LAYER, "attention + feed_forward + norm"), (FINAL_NORM, "+ embed_dim + output")),
        replace(LAYER, "attention + feed_forward + norm"),
    ],
    norms_forgotten=replace(*NO_NORM),
    matrices_only=replace(NO_NORM, NO_ATTENTION_BIAS, NO_FF_BIAS),
    final_norm_forgotten=[
        replace(FINAL_NORM, "+ output"),
        replace("+ num_layers * layer + norm", "+ num_layers * (layer + norm)"),
    ],
    norms_shared_by_layers=[
        replace((LAYER, "attention + feed_forward"), (FINAL_NORM, "+ 3 * norm + output")),
        replace("num_layers * layer", "layer"),
    ],
    tied_ignored=[
        *instead_of(OUTPUT, "0", "vocab_size * embed_dim"),
        replace(NO_EMBEDDING, (OUTPUT, "vocab_size * embed_dim")),
    ],
    tied_inverted=replace(OUTPUT, "vocab_size * embed_dim if tied else 0"),
    embedding_forgotten=replace(*NO_EMBEDDING),
    output_bias=instead_of(
        OUTPUT,
        "0 if tied else vocab_size * embed_dim + vocab_size",
        "vocab_size if tied else vocab_size * embed_dim + vocab_size",
    ),
    cross_attention_counted=instead_of(
        LAYER, "2 * attention + feed_forward + 3 * norm", "2 * attention + feed_forward + 2 * norm"
    ),
    positions_counted=replace(EMBEDDING, "embedding = (vocab_size + 1024) * embed_dim"),
    not_an_integer=instead_of(f"return {TOTAL}", f"return float({TOTAL})", f"return str({TOTAL})"),
)

exercise = Exercise(
    targets=("transformer_parameters",), cases=cases, mistakes=mistakes, oracles=(transformer_parameters,)
)
