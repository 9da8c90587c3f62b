"""What the site offers beside its API: pages for a browser, the admin route, the dump."""
