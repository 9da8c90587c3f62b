"""What is kept on disk: documents, file contents, and the ids and times they bear."""
