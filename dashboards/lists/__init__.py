"""Which records of the marts the pages list: one module per part of the business, declarations only."""
