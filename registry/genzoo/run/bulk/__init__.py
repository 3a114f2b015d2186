"""Many pictures, in shards: which has which, how they are made and written, and what is there."""
