"""Quality gates: a delivery against its own history, and the candidate file before it is published."""
