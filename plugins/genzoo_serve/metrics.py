"""What `/metrics` shows, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("genzoo_requests", "Requests by path and status.", ["path", "status"])
SECONDS = Histogram("genzoo_request_seconds", "Seconds from request to answer.", ["path"])
QUEUE = Gauge("genzoo_queue", "Requests that wait or are under way.")
BATCHES = Histogram(
    "genzoo_batch_size", "Pictures in a batch.", ["model"], buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
PICTURES = Counter("genzoo_pictures", "Pictures made.", ["model"])
OPEN = Gauge("genzoo_open_models", "Models that are open.")
