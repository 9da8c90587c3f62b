"""What a client may ask of a list: which documents, in which order, how many."""
