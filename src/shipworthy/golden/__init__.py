"""The test set: what its columns mean, its version by content hash, and how it meets the outputs."""
