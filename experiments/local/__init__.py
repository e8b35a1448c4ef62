"""Weights and data from local files, as other people's programs write them."""
