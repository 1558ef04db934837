"""The sample dealership."""
