"""Calls that a switch writes in parts: which records are parts, and what they make together."""
