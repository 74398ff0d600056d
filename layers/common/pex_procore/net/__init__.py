"""What both vendors share: sessions, limits, verdict tables, redaction."""
