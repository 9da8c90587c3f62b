"""The routes of the site, by family."""
