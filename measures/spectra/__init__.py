"""Eigenvalues, densities and entropies of operators."""
