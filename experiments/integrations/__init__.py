"""Sharpness-aware training inside other people's loops: one short module for each."""
