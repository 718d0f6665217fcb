"""What moves by itself: Jobs, garbage, namespaces."""
