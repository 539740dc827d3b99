"""Synthetic traffic, written through an encoder that the decoder does not share."""
