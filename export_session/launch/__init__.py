"""Before the first session: is the site ready, which sessions are meant, and who runs them."""
