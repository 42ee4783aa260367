"""The tables of README.md, docs/ and models/, made from the records."""
