"""Event data records and a tariff book to rated records, allowances and bills."""
