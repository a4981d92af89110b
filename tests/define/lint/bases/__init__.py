"""Complete specs without a finding of error severity, and what is known beside them."""
