"""CEL as Kubernetes speaks it: its escaping, its types, its extension functions."""
