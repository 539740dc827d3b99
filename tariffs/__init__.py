"""The tariff book: files that people edit, compiled to flat arrays."""
