"""The routes of the API, a module for each family; what they are made of is in ``routing``."""
