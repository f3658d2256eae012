"""What the blog is: models, schemas, queries, settings, errors and seed data. No engine, no execution, no async."""
