"""How the mended cross-attention is graded."""

import dataclasses

from debugging import mends

from grader.authoring import known, replace

graded = mends("02-heads/cross_attention", "mask-inverted", "keys-for-values")

# Of this reference, so that one is named on top of the other.
either = known(
    keys_for_values=replace("self.split(self.v_proj(context))", "self.split(self.k_proj(context))"),
    mask_inverted=replace("hidden = ~context_mask", "hidden = context_mask"),
)


def but_for_the_first_way(mistake):
    """A projection that makes keys and values is called shared there; here it is a bug that has its own name."""
    return dataclasses.replace(mistake, variants=mistake.variants[1:]) if mistake.slug == "one-projection" else mistake


exercise = dataclasses.replace(graded, mistakes=(*either, *map(but_for_the_first_way, graded.mistakes)))
