"""Containers, from groups to acquisitions, analyses and files: who may see them, and what is done to them."""
