"""From a request to pictures: resolved, made batch by batch, written, and made again."""
