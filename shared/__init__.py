"""What the blog is: models, schemas, queries, settings, errors, seed. No engine, no execution, no async."""
