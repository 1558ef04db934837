"""Landing: export files in, row versions, ledger and quarantine out."""
