"""One site as a whole: what all its parts share, who its users are, its switches, faults and record of requests."""
