"""The keys of the spec, one file per part of the promise."""
