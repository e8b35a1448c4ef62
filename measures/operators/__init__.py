"""Curvature at a point as operators on flat vectors."""
