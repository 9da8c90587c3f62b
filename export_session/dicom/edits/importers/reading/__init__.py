"""How importers read a file, exactly but slowly: asked only where the quick models leave something unexplained."""
