"""An embedded Kubernetes: API server, Job controller and a node of local processes. For trying and testing only."""
