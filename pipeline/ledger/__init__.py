"""The ledger's database: what was taken, what is committed."""
