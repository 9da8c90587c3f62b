"""What routes are made of: a request as handlers see it, tables of routes, replies of list routes."""
