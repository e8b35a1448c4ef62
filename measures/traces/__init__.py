"""Traces of operators, to a wanted accuracy."""
