"""One decision as HTML, Markdown and JUnit: the same story told for three readers."""
