"""What is known of AI products of each kind, to start a spec from."""
