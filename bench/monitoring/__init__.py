"""A Prometheus on a real operator: the chart's alerts seen firing, and the dashboard's picture."""
