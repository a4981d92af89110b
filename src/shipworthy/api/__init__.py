"""What the doors call: a product folder, a check without a spec, and how runs are made."""
