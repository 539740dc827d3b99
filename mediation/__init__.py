"""Bytes to event data records: framing, decoding, normalization, validation, duplicates."""
