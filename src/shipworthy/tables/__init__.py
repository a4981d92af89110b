"""The query engines: the only place that writes SQL, one file per engine and task."""
