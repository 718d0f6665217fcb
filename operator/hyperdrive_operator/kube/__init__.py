"""The only code that talks to the API server: raw JSON in and out, no decisions."""
