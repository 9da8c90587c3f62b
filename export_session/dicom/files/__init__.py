"""Files on disk, single or zipped: reading their instances, writing them anew, proving every byte."""
