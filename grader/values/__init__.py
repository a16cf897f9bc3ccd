"""Results as values: how they are walked, and how far apart two of them are."""
