"""The spec: an AI PRD as code, from YAML to a checked Spec."""
