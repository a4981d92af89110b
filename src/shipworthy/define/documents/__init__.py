"""Documents rendered from the spec: one structure, written as HTML and as Markdown."""
