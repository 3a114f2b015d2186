"""`genzoo serve`: models behind the OpenAI images API."""
