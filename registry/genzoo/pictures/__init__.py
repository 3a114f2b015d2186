"""Making pictures from requests, and again from their records."""
