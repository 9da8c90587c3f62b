"""Measures what the gear costs, against what the bytes alone cost and against a straightforward program."""
