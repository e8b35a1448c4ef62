"""Measures of the literature, beside those of a geometry."""
