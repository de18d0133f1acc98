"""What proves the chart without a cluster."""
